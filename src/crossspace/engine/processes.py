"""Work done in several processes of this machine, each of which may fail or die without stopping the others."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Generic

from crossspace.components import imported
from crossspace.engine.spawned import Spawned
from crossspace.engine.work import Done, Event, Failed, Item, Reported, Work, reason_of
from crossspace.engine.workers import Workers
from crossspace.errors import CrossspaceError


@dataclass(eq=False)
class _Worker(Generic[Item]):
    """A process, and what is known of it.

    Attributes:
        spawned: the process.
        item: what it is for or at; a list of one, or of none.
        has_begun: it waits for items.
        has_taken: it is at work on the item.
        proven: it has taken an item before, so that its beginning is not what kills it.
    """

    spawned: Spawned
    item: list[Item]
    has_begun: bool = False
    has_taken: bool = False
    proven: bool = False

    def send(self, thing: Any) -> None:
        """Hand over what can be pickled. That it has just died is heard of next."""
        packed = pickle.dumps(thing)
        with suppress(OSError):
            self.spawned.line.send_bytes(packed)


class Processes(Workers[Item]):
    """Processes that take items one at a time.

    One that dies with nothing to do, or before it has taken what it was given, harms nothing.

    Args:
        work: what is done with each item.
        count: processes at a time.
        threads: of each process on the CPU; PyTorch's own choice when not given.
        lasting: a process does many items; with False each item gets a fresh one.
    """

    def __init__(self, work: Work[Item, Any], count: int, *, threads: int | None = None, lasting: bool = True) -> None:
        self.work, self.count, self.threads, self.lasting = work, count, threads, lasting
        self._waiting: deque[Item] = deque()
        self._workers: list[_Worker[Item]] = []

    def add(self, items: Iterable[Item], first: bool = False) -> None:
        """Have more done, also while it goes on; ``first`` before all that waits, in their order."""
        if first:
            self._waiting.extendleft(reversed(list(items)))
        else:
            self._waiting.extend(items)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        workers, self._workers = self._workers, []
        for worker in workers:
            if worker.item:
                worker.spawned.end()
            else:
                worker.spawned.let_go()
        for worker in workers:
            worker.spawned.wait()

    def __iter__(self) -> Iterator[Event[Item]]:
        """What happens, as it does, until nothing is left to do.

        Raises:
            UnguardedError: the script that asks for processes does not guard what it does.
            CrossspaceError: the work cannot begin.
        """
        while self._waiting or any(worker.item for worker in self._workers):
            self._hand_out()
            busy = {worker.spawned.line: worker for worker in self._workers if worker.item}
            for line in wait(list(busy)):
                assert isinstance(line, Connection)
                yield from self._hear(busy[line])

    def _hand_out(self) -> None:
        # One that died idle is replaced without a word; one that died at work is heard of by its line.
        self._workers = [w for w in self._workers if w.item or w.spawned.process.is_alive()]
        idle = [worker for worker in self._workers if not worker.item]
        while self._waiting and (idle or len(self._workers) < self.count):
            worker = idle.pop() if idle else self._start()
            worker.item, worker.has_taken = [self._waiting.popleft()], False
            if worker.has_begun:  # one that has not is told when it has, so that nobody waits for it before
                worker.send(worker.item[0])

    def _start(self) -> _Worker[Item]:
        worker: _Worker[Item] = _Worker(
            Spawned(_serve, (self.threads,), imports=imported(), modules=self.work.modules), []
        )
        self._workers.append(worker)
        return worker

    def _hear(self, worker: _Worker[Item]) -> Iterator[Event[Item]]:
        try:
            word = worker.spawned.hear()
        except (EOFError, OSError):
            yield from self._report_death(worker)
            return
        if word is None:
            worker.send(self.work)
            return
        kind, value = pickle.loads(word)
        if kind == "begun":
            worker.has_begun = True
            worker.send(worker.item[0])
        elif kind == "impossible":
            raise CrossspaceError(value)
        elif kind == "taken":
            worker.has_taken = worker.proven = True
        elif kind == "progress":
            yield Reported(worker.item[0], value)
        else:
            yield self._ended(worker, kind, value)

    def _ended(self, worker: _Worker[Item], kind: str, value: Any) -> Event[Item]:
        (item,), worker.item = worker.item, []
        if not self.lasting:
            self._workers.remove(worker)
            worker.spawned.let_go()
            worker.spawned.wait()
        return Done(item, value) if kind == "done" else Failed(item, value)

    def _report_death(self, worker: _Worker[Item]) -> Iterator[Event[Item]]:
        """It has ended: its item failed, unless it never came to it."""
        self._workers.remove(worker)
        reason = worker.spawned.death()
        worker.spawned.let_go()
        # It died between two items, for example of a lack of memory: the item is as good as before.
        if worker.proven and not worker.has_taken:
            self.add(worker.item, first=True)
        else:
            yield Failed(worker.item[0], reason, died=True)


def _serve(line: Connection, threads: int | None) -> None:
    """Over there: begin once, then do item after item, until nobody is there to ask."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)
    try:
        work: Work = pickle.loads(line.recv_bytes())
        state = work.begin(work.setup)
    except Exception as error:
        line.send(("impossible", reason_of(error)))
        return
    line.send(("begun", None))

    def report(message: Any) -> None:
        try:
            line.send(("progress", message))
        except OSError:
            os._exit(1)  # nobody is there any more: end here, without writing anything more

    while True:
        received = line.recv_bytes()
        line.send(("taken", None))  # before it is looked at, which may kill already
        try:
            answer = ("done", work.do(state, pickle.loads(received), report))
            packed = pickle.dumps(answer)
        except Exception as error:
            packed = pickle.dumps(("failed", reason_of(error)))
        line.send_bytes(packed)
