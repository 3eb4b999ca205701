"""Stretches of speech packed into the pieces that a recogniser hears at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from crossspace.features.speech.recognisers.base import LONGEST

Span = tuple[float, float]
"""Start and end in seconds."""

_EDGE = 0.2
"""Seconds heard before and after speech: first and last sounds of words are soft."""
_GAP = 2.0
"""Seconds of silence that are heard along with the speech around them; longer ones are cut out."""


@dataclass(frozen=True)
class Chunk:
    """Spans of a recording that are heard as one piece of sound, one right after the other.

    Attributes:
        spans: in rising order.
        speech: the stretches of speech in them, without edges and gaps.
    """

    spans: tuple[Span, ...]
    speech: tuple[Span, ...]

    @property
    def seconds(self) -> float:
        """How long the piece is."""
        return sum(end - start for start, end in self.spans)

    def span_of(self, start: float, end: float) -> Span:
        """Where something lies in the recording that lies from ``start`` to ``end`` in the piece.

        It keeps to the one span that holds its middle: no word goes on after a silence that was cut out.
        """
        middle, before = (start + end) / 2, 0.0
        for number, (first, last) in enumerate(self.spans):
            length = last - first
            if middle < before + length or number == len(self.spans) - 1:
                begins = first + min(max(start - before, 0.0), length)
                return begins, max(begins, first + min(end - before, length))
            before += length
        raise ValueError("a chunk has at least one span")


def chunks(speech: Sequence[Span], duration: float, longest: float = LONGEST) -> Iterator[Chunk]:
    """Stretches of speech in rising order, packed into pieces of at most ``longest`` seconds.

    Full pieces cost least: a recogniser takes as long over a second as over thirty.

    Args:
        speech: spans, each no longer than ``longest``.
        duration: of the recording.
        longest: seconds of a piece.
    """
    spans: list[Span] = []
    held: list[Span] = []
    for stretch, (start, end) in zip(speech, _heard(speech, duration, longest), strict=True):
        joins = bool(spans) and start - spans[-1][1] < _GAP
        grown = [*spans[:-1], (spans[-1][0], end)] if joins else [*spans, (start, end)]
        if spans and sum(b - a for a, b in grown) > longest:
            yield Chunk(tuple(spans), tuple(held))
            grown, held = [(start, end)], []
        spans = grown
        held.append(stretch)
    if spans:
        yield Chunk(tuple(spans), tuple(held))


def piece(samples: Sequence[np.ndarray | None]) -> np.ndarray:
    """The sound of a chunk from that of its spans; a span without sound adds nothing."""
    return np.concatenate([np.zeros(0, dtype=np.float32), *(part for part in samples if part is not None)])


def _heard(speech: Sequence[Span], duration: float, longest: float) -> Iterator[Span]:
    """The stretches with their edges, as far as their neighbours and the length of a piece leave room."""
    # Half of a gap belongs to each side, so that no sound is heard twice.
    walls = [0.0, *((end + start) / 2 for (_, end), (start, _) in pairwise(speech)), duration]
    for number, (start, end) in enumerate(speech):
        room = max(0.0, min(_EDGE, (longest - (end - start)) / 2))
        yield max(start - room, walls[number]), min(end + room, walls[number + 1])
