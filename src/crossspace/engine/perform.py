"""Work done item by item, wherever it is run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from crossspace.engine.engines import Local
from crossspace.engine.work import Done, Event, Failed, Item, Reported, Work, reason_of
from crossspace.engine.workers import Engine


def perform(
    work: Work[Item, Any],
    items: Iterable[Item],
    hear: Callable[[Event[Item]], Iterable[Item]],
    *,
    engine: Engine | None = None,
    count: int = 1,
    threads: int | None = None,
) -> None:
    """Do the work with every item, and say what happens as it does.

    A single worker on this machine needs no process of its own: it is this one.

    Args:
        work: what is done.
        items: with each of these.
        hear: told of progress, results and failures; returns what is to be done in consequence, before the others.
        engine: where; on this machine if none is given.
        count: workers at a time.
        threads: of each on the CPU.

    Raises:
        CrossspaceError: the work cannot begin.
    """
    waiting, engine = list(items), engine or Local()
    if not waiting:
        return
    if isinstance(engine, Local) and min(count, len(waiting)) <= 1:
        _here(work, waiting, hear)
        return
    with engine.workers(work, min(count, len(waiting)), threads=threads) as workers:
        workers.add(waiting)
        for event in workers:
            workers.add(hear(event), first=True)


def _here(work: Work[Item, Any], items: list[Item], hear: Callable[[Event[Item]], Iterable[Item]]) -> None:
    state, waiting = work.begin(work.setup), deque(items)
    while waiting:
        item = waiting.popleft()

        def report(message: Any, item: Item = item) -> None:
            hear(Reported(item, message))

        event: Event[Item]
        try:
            event = Done(item, work.do(state, item, report))
        except Exception as error:  # as in a process of its own: it is the item that failed
            event = Failed(item, reason_of(error))
        waiting.extendleft(reversed(list(hear(event))))
