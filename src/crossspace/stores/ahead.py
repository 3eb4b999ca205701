"""Many files one after the other: on a store the next ones are opened while one is worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from crossspace.stores.places import Place

T = TypeVar("T")
_AHEAD = 8


def ahead(open_one: Callable[[Place], T], paths: Sequence[Place]) -> Iterator[T]:
    """``open_one`` of each, in order; of a store several are asked for at the same time, as most of it is waiting."""
    if all(isinstance(path, Path) for path in paths):
        yield from map(open_one, paths)
        return
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(_AHEAD, "ahead") as pool:
        try:
            for path in paths:
                waiting.append(pool.submit(open_one, path))
                if len(waiting) == _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # Whoever stops half-way, or finds a fault, waits for nothing that was not begun.
            pool.shutdown(wait=False, cancel_futures=True)
