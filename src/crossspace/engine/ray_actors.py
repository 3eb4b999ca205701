"""Work done by actors of a Ray cluster, each of which may fail or die without stopping the others."""

from __future__ import annotations

import pickle
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic

from crossspace.components import imported
from crossspace.engine.ray_cluster import check_gpus, cluster, is_alive
from crossspace.engine.ray_worker import DONE, PROGRESS, RayWorker
from crossspace.engine.work import Done, Event, Failed, Item, Reported, Work
from crossspace.engine.workers import Workers
from crossspace.errors import CrossspaceError, CrossspaceWarning
from crossspace.runtime import optional_import

_DEATHS = 2
"""How many actors an item may end before it is to blame: one may have fallen for lack of memory of all together."""
_STILLBORN = 3
"""How many actors in a row may end before they have begun."""
_PATIENCE = 60.0
"""Seconds in which an actor begins in a cluster with room for it."""


@dataclass(eq=False)
class _Task(Generic[Item]):
    """An item, and how many actors ended while they were at work on it."""

    item: Item
    deaths: int = 0


@dataclass(eq=False)
class _Actor(Generic[Item]):
    """An actor, and what is known of it.

    Attributes:
        handle: by which Ray knows it.
        line: what is heard of next, an answer or a stream of them; None while it has nothing to do.
        task: what it was given.
        is_at_work: it has taken that.
        node: the machine it lives on, once it has begun.
    """

    handle: Any
    line: Any = None
    task: _Task[Item] | None = None
    is_at_work: bool = False
    node: str | None = None


class RayActors(Workers[Item]):
    """Actors that take items one at a time.

    What is handed over is pickled, and no more than one item and its result per actor are under way. An item whose
    actor ended, however that was, is done once more; the second actor that it ends it fails for. An actor that ends
    with nothing to do, before it has taken what it was given, or with its machine, harms nothing.

    An actor that finds no free processor yet waits for one, and the others go on.

    Args:
        work: what is done with each item.
        count: actors at a time, where the cluster has that many processors.
        address: of a running cluster, see :func:`~crossspace.engine.ray_cluster.cluster`.
        gpus: that each actor asks for, perhaps a part of one; it sees no others.
        threads: of each actor on the CPU; PyTorch's own choice when not given.
        lasting: an actor does many items; with False each item gets a fresh one.

    Raises:
        MissingExtraError: the extra ``ray`` is not installed.
    """

    def __init__(
        self,
        work: Work[Item, Any],
        count: int,
        *,
        address: str | None = None,
        gpus: float = 0.0,
        threads: int | None = None,
        lasting: bool = True,
    ) -> None:
        self._ray = optional_import("ray", extra="ray")
        self.work, self.count, self.threads, self.lasting = work, count, threads, lasting
        self.address, self.gpus = address, gpus
        self._waiting: deque[_Task[Item]] = deque()
        self._actors: list[_Actor[Item]] = []
        self._stillborn = 0
        self._connection = ExitStack()

    def add(self, items: Iterable[Item], first: bool = False) -> None:
        """Have more done, also while it goes on; ``first`` before all that waits, in their order."""
        tasks = [_Task(item) for item in items]
        if first:
            self._waiting.extendleft(reversed(tasks))
        else:
            self._waiting.extend(tasks)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._connection:
            for actor in tuple(self._actors):
                self._end(actor)

    def __iter__(self) -> Iterator[Event[Item]]:
        """What happens, as it does, until nothing is left to do.

        Raises:
            UsageError: the cluster cannot be reached, or has no machine for such an actor.
            CrossspaceError: the work cannot begin.
        """
        if self._waiting:  # a cluster takes seconds to begin, which nothing to do is not worth
            self._connection.enter_context(cluster(self.address, self.count))
            check_gpus(self.gpus)
        while self._waiting or any(actor.task for actor in self._actors):
            self._hand_out()
            actor = self._next_heard()
            # To the end of the line, or one that has much to say would be the only one listened to.
            self._actors.remove(actor)
            self._actors.append(actor)
            try:
                yield from self._hear(actor)
            except self._ray.exceptions.RayTaskError:  # a fault of what runs over there; the actor lives
                raise
            except self._ray.exceptions.RayError as error:
                yield from self._report_death(actor, error)

    def _hand_out(self) -> None:
        for actor in self._actors:
            if actor.node is not None and actor.task is None and self._waiting:
                actor.task, actor.is_at_work = self._waiting.popleft(), False
                actor.line = actor.handle.take.remote(self._packed(actor.task.item))
        # An item waits for an actor that has begun: others may wait for a free processor much longer.
        while len(self._actors) < self.count and sum(a.node is None for a in self._actors) < len(self._waiting):
            self._actors.append(self._start())

    def _packed(self, thing: Any) -> bytes:
        # Unlike pickle, it takes along what was written in a notebook.
        return self._ray.cloudpickle.dumps(thing)

    def _start(self) -> _Actor[Item]:
        # Not restarted by Ray: a new one would have to be told what to begin with all the same.
        options = {"num_cpus": 1, "num_gpus": self.gpus, "max_restarts": 0, "max_task_retries": 0}
        handle = self._ray.remote(RayWorker).options(**options).remote()
        return _Actor(handle, handle.begin.remote(imported(), self._packed(self.work), self.threads))

    def _next_heard(self) -> _Actor[Item]:
        lines = [actor.line for actor in self._actors if actor.line is not None]
        ready, _ = self._ray.wait(lines, timeout=_PATIENCE)
        told = False
        while not ready:
            # A cluster begun here has one machine, and nobody would bring it back.
            if not any(node["Alive"] for node in self._ray.nodes()):
                raise CrossspaceError(
                    "The Ray cluster has lost its last machine: its raylet has ended. What was made is kept: run the "
                    "same command again, with '--engine local' if it ends anew."
                )
            if not told and all(actor.node is None for actor in self._actors):
                warnings.warn(
                    "The Ray cluster has had no free processor (or GPU) for a worker so far; waiting for one. "
                    "`ray status` on one of its machines says what it is busy with.",
                    CrossspaceWarning,
                    stacklevel=2,
                )
                told = True
            ready, _ = self._ray.wait(lines, timeout=_PATIENCE)
        return next(actor for actor in self._actors if actor.line == ready[0])

    def _hear(self, actor: _Actor[Item]) -> Iterator[Event[Item]]:
        if actor.is_at_work:
            kind, packed = self._ray.get(next(actor.line))
            yield self._event(actor, kind, pickle.loads(packed))
            return
        answer = self._ray.get(actor.line)
        if actor.task is not None:
            actor.is_at_work, actor.line = True, actor.handle.do.options(num_returns="streaming").remote()
            return
        reason, actor.node = answer
        actor.line, self._stillborn = None, 0
        if reason is not None:
            raise CrossspaceError(reason)

    def _event(self, actor: _Actor[Item], kind: str, value: Any) -> Event[Item]:
        assert actor.task is not None
        item = actor.task.item
        if kind == PROGRESS:
            return Reported(item, value)
        actor.task = actor.line = None
        if not self.lasting:
            self._end(actor)
        return Done(item, value) if kind == DONE else Failed(item, value)

    def _report_death(self, actor: _Actor[Item], error: Exception) -> Iterator[Event[Item]]:
        """It has ended: its item is done again, unless it has ended one before."""
        self._end(actor)
        task = actor.task
        if task is None:
            self._stillborn += 1
            if self._stillborn == _STILLBORN:
                raise CrossspaceError(f"{_STILLBORN} actors in a row ended before they had begun. Ray says: {error}")
            return
        if actor.is_at_work and is_alive(str(actor.node)):
            task.deaths += 1
        if task.deaths < _DEATHS:
            self._waiting.appendleft(task)
            return
        yield Failed(
            task.item,
            f"{_DEATHS} actors ended while they were at work on it: perhaps there was not enough memory; fewer jobs at "
            f"a time need less. Ray says of the last one:\n{error}",
            died=True,
        )

    def _end(self, actor: _Actor[Item]) -> None:
        """End it, whatever it does."""
        self._actors.remove(actor)
        self._ray.kill(actor.handle)
        # It has ended when it can be asked nothing more.
        self._ray.wait([actor.handle.take.remote(b"")], timeout=_PATIENCE)
