"""The conversations of one split, as a sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from crossspace.data.conversation import Conversation
from crossspace.data.names import SPLITS, split_name
from crossspace.errors import UsageError, suggestion

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus

ALL = "all"
"""In place of the name of a split: every conversation, whatever its split and also without one."""


class Split(Sequence[Conversation]):
    """The conversations of one split; each is built when it is asked for, so nothing is held in memory twice.

    Args:
        corpus: where they come from.
        places: (B,) their places in the whole corpus.
    """

    def __init__(self, corpus: Corpus, places: np.ndarray) -> None:
        self._corpus, self._places = corpus, places

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Conversation]:
        return (self._corpus.conversation(int(place)) for place in self._places)

    @overload
    def __getitem__(self, index: int) -> Conversation: ...

    @overload
    def __getitem__(self, index: slice) -> Split: ...

    def __getitem__(self, index: int | slice) -> Conversation | Split:
        if isinstance(index, slice):
            return Split(self._corpus, self._places[index])
        return self._corpus.conversation(int(self._places[index]))


def known_split(name: str) -> str:
    """The canonical name of a split, given it or one of its aliases.

    Raises:
        UsageError: there is no such split.
    """
    canonical = split_name(name)
    if canonical not in SPLITS:
        raise UsageError(f"A split is train, validation or test, or 'all'. Found {name!r}. {suggestion(name, SPLITS)}")
    return canonical
