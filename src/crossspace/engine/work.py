"""What a worker does, apart from how it is run.

A worker begins once and then does one item after the other. Nothing here says where: :mod:`.processes` runs workers as
processes of this machine, and whoever runs them elsewhere offers the same: to be given items, and to be listened to.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from crossspace.errors import CrossspaceError

Item = TypeVar("Item")
State = TypeVar("State")
Report = Callable[[Any], None]
"""Tells how far an item is, in a message of the work's own."""


@dataclass(frozen=True)
class Work(Generic[Item, State]):
    """What is to be done with each item. Functions are those of a module, and everything else can be pickled.

    Attributes:
        begin: makes, once in each worker and from ``setup``, what all items need.
        do: the result of an item, from what ``begin`` made, the item, and a function that takes messages on the way.
        setup: what workers need to know.
        modules: slow to import, and needed by every worker: imported once where workers are forked.
    """

    begin: Callable[[Any], State]
    do: Callable[[State, Item, Report], Any]
    setup: Any = None
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reported(Generic[Item]):
    """How far an item is."""

    item: Item
    message: Any


@dataclass(frozen=True)
class Done(Generic[Item]):
    """What came of an item."""

    item: Item
    result: Any


@dataclass(frozen=True)
class Failed(Generic[Item]):
    """Why nothing came of an item.

    Attributes:
        item: of which.
        reason: a sentence, or the traceback of a fault that nobody foresaw.
        died: the worker ended while it was at work on the item.
    """

    item: Item
    reason: str
    died: bool = False


Event = Reported[Item] | Done[Item] | Failed[Item]


def reason_of(error: Exception) -> str:
    """Why an item failed: errors of our own say it in a sentence, others need their traceback."""
    if isinstance(error, CrossspaceError):
        return str(error)
    return "".join(traceback.format_exception(error))


def one_line(reason: str) -> str:
    """A reason in one line: the first of a sentence, and of a traceback the last, which is the error."""
    lines = reason.strip().splitlines() or [""]
    return lines[-1] if "Traceback (most recent call last)" in lines[0] else lines[0]
