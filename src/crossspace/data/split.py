"""The conversations of one split, as a sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, overload

import numpy as np

from crossspace.data.conversation import Conversation

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus


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
