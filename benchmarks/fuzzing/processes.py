"""Work done in processes of bounded memory and time, which may die of it without ending anything else."""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from queue import Empty, SimpleQueue
from typing import Any

Work = Callable[[Any], tuple[str, str]]
Outcome = tuple[Any, str, str]


def outcomes(work: Work, jobs: Iterable[Any], *, processes: int, mebibytes: int, seconds: float) -> Iterator[Outcome]:
    """Do ``work`` on every job: ``(job, outcome, detail)``, in any order.

    Args:
        work: returns outcome and detail; importable by name.
        jobs: what it is done on.
        processes: at a time.
        mebibytes: address space that a process may take beyond what it has when it begins.
        seconds: after which a job ends as ``timeout``. A process that a signal ends makes its job a ``signal``.
    """
    waiting, done = SimpleQueue(), SimpleQueue()  # type: ignore[var-annotated]
    count = 0
    for job in jobs:
        waiting.put(job)
        count += 1
    drivers = [
        threading.Thread(target=_drive, args=(work, waiting, done, mebibytes, seconds), daemon=True)
        for _ in range(processes)
    ]
    for driver in drivers:
        driver.start()
    for _ in range(count):
        yield done.get()


def _drive(work: Work, waiting: SimpleQueue, done: SimpleQueue, mebibytes: int, seconds: float) -> None:
    context = multiprocessing.get_context("spawn")
    process = channel = None
    while True:
        try:
            job = waiting.get_nowait()
        except Empty:
            break
        if process is None:
            os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # others claim a gigabyte in advance
            channel, far = context.Pipe()
            process = context.Process(target=_serve, args=(work, far, mebibytes), daemon=True)
            process.start()
            far.close()
            channel.recv()
        channel.send(job)
        try:
            if channel.poll(seconds):
                done.put((job, *channel.recv()))
                continue
            outcome = "timeout", f"more than {seconds:g} s"
        except EOFError:
            process.join()
            outcome = (
                "signal",
                signal.Signals(-process.exitcode).name if process.exitcode < 0 else f"exit {process.exitcode}",
            )
        process.kill()
        process = None
        done.put((job, *outcome))
    if process is not None:
        channel.send(None)
        process.join()


def _serve(work: Work, channel: Any, mebibytes: int) -> None:
    work(None)
    with open("/proc/self/statm") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + mebibytes * 2**20, resource.RLIM_INFINITY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    channel.send("ready")
    while (job := channel.recv()) is not None:
        channel.send(work(job))
