"""What a service or a recogniser's JSON is known by, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from crossspace.transcripts.rows import Row
from crossspace.transcripts.units import Unit


class NotUtterances(Exception):
    """A content is no transcript: what it should be and what it is, said after the name of the file."""


@dataclass
class Reading:
    """What a JSON file holds.

    Attributes:
        rows: its utterances.
        unit: of times that do not state one; ``None`` where the file's maker is not known, and it must be judged.
        duration: seconds of the recording, where the file says so.
        notes: on what was decided, filled while the rows are read.
    """

    rows: Iterable[Row]
    unit: Unit | None = None
    duration: float | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Service:
    """A maker of JSON.

    Attributes:
        name: how notes call it.
        sign: whether a content is its, by its keys.
        read: what such a content holds.
    """

    name: str
    sign: Callable[[Any], bool]
    read: Callable[[Any], Reading]
