"""The trainings of a study, several processes at a time, each of which may fail or die without stopping the others."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from crossspace.studies.worker import Job, Message, Place, serve

_SPAWN = multiprocessing.get_context("spawn")


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(eq=False)
class _Worker:
    process: SpawnProcess
    connection: Connection
    job: Job | None = None


class Crew:
    """Processes that take jobs from a queue.

    Args:
        count: how many at a time.
        place: where they compute.
        lasting: a process does many jobs; with False each job gets a fresh one.
    """

    def __init__(self, count: int, place: Place, lasting: bool = True) -> None:
        self.count, self.place, self.lasting = count, place, lasting
        self._workers: list[_Worker] = []

    def work(self, jobs: Sequence[Job], on_message: Callable[[Job, Message], Sequence[Job]]) -> None:
        """Do all jobs, and those that ``on_message`` returns when it is told how a job stands, which come first.

        A process that dies is a failed job; another takes its place.
        """
        waiting = deque(jobs)
        try:
            while waiting or any(worker.job for worker in self._workers):
                self._hand_out(waiting)
                busy = [worker for worker in self._workers if worker.job is not None]
                ready = wait([worker.connection for worker in busy])
                for worker in busy:
                    if worker.connection in ready:
                        waiting.extendleft(reversed(self._hear(worker, on_message)))
        finally:
            self._dismiss()

    def _hand_out(self, waiting: deque[Job]) -> None:
        self._workers = [worker for worker in self._workers if worker.job is not None or worker.process.is_alive()]
        idle = [worker for worker in self._workers if worker.job is None]
        while waiting and (idle or len(self._workers) < self.count):
            worker = idle.pop() if idle else self._hire()
            worker.job = waiting.popleft()
            with suppress(OSError):  # it has just died, which is heard of next
                worker.connection.send(worker.job)

    def _hire(self) -> _Worker:
        ours, theirs = _SPAWN.Pipe()
        process = _SPAWN.Process(target=serve, args=(theirs, self.place), daemon=True)
        process.start()
        theirs.close()
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker

    def _hear(self, worker: _Worker, on_message: Callable[[Job, Message], Sequence[Job]]) -> Sequence[Job]:
        job = worker.job
        assert job is not None
        try:
            message = worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join()
            message = Message("failed", text=_death(worker.process.exitcode))
            self._workers.remove(worker)
        if message.kind != "progress":
            worker.job = None
            if not self.lasting and worker in self._workers:
                self._let_go(worker)
        return on_message(job, message)

    def _let_go(self, worker: _Worker) -> None:
        self._workers.remove(worker)
        with suppress(OSError):
            worker.connection.send(None)
        worker.process.join()

    def _dismiss(self) -> None:
        for worker in self._workers:
            if worker.job is not None:
                worker.process.terminate()
            worker.connection.close()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()


def _death(code: Any) -> str:
    if isinstance(code, int) and code < 0:
        hint = ": perhaps there was not enough memory; fewer --jobs need less" if code == -9 else ""
        return f"The process was ended by signal {-code}{hint}."
    return f"The process ended with exit code {code} and said nothing."
