"""What every way of running work offers: workers that take items one at a time and are listened to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any, Generic

from crossspace.engine.work import Event, Item, Work


class Workers(ABC, Generic[Item]):
    """Workers at work, to be used as a context and to be iterated over.

    A worker never holds more than one item: when it dies, that item is what failed, and another worker takes its
    place. However the block is left, no worker stays behind.
    """

    @abstractmethod
    def add(self, items: Iterable[Item], first: bool = False) -> None:
        """Have more done, also while it goes on; ``first`` before all that waits, in their order."""

    @abstractmethod
    def __iter__(self) -> Iterator[Event[Item]]:
        """What happens, as it does, until nothing is left to do.

        Raises:
            CrossspaceError: the work cannot begin.
        """

    def __enter__(self) -> Workers[Item]:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End every worker."""


class Engine(ABC):
    """Where work is run. It changes no result."""

    @abstractmethod
    def workers(
        self, work: Work[Item, Any], count: int, *, threads: int | None = None, lasting: bool = True
    ) -> Workers[Item]:
        """Workers that have not begun.

        Args:
            work: what is done with each item.
            count: workers at a time.
            threads: of each worker on the CPU; PyTorch's own choice when not given.
            lasting: a worker does many items; with False each item gets a fresh one.
        """
