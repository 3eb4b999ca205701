"""Independent processes that share the items of some work, as any scheduler begins them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from crossspace.errors import UsageError

Thing = TypeVar("Thing")
_SHARD = re.compile(r"shard-([1-9][0-9]{0,5})-of-([1-9][0-9]{0,5})")


@dataclass(frozen=True)
class Shard:
    """One of several independent processes that share the items of some work.

    Attributes:
        number: from 1.
        count: of all.

    Raises:
        UsageError: the number is not one of them.
    """

    number: int = 1
    count: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.count:
            raise UsageError(f"A shard should be written I/N, with I from 1 to N. Found {self.number}/{self.count}.")

    @classmethod
    def parse(cls, text: str) -> Shard:
        """``2/8``.

        Raises:
            UsageError: it is something else.
        """
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
        if match is None:
            raise UsageError(f"A shard should be written I/N, such as 2/8. Found {text!r}.")
        return cls(int(match[1]), int(match[2]))

    @property
    def whole(self) -> bool:
        """Whether there is no other."""
        return self.count == 1

    def of(self, items: Sequence[Thing]) -> dict[int, Thing]:
        """Its items by their place: every N-th, so that each shard has early and late ones."""
        return dict(list(enumerate(items))[self.number - 1 :: self.count])

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def shard_of(name: str) -> Shard | None:
    """Of which shard a folder of this name is."""
    match = _SHARD.fullmatch(name)
    return Shard(int(match[1]), int(match[2])) if match and int(match[1]) <= int(match[2]) else None
