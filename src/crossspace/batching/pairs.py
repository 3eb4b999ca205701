"""Pairs of utterances of one conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Pairs:
    """P ordered pairs of rows, each with itself and in both orders; the first varies slowest within a conversation.

    Attributes:
        first: (P,) row of the one.
        second: (P,) row of the other.
    """

    first: Tensor
    second: Tensor

    def __len__(self) -> int:
        return len(self.first)


def pairs_of(lengths: Sequence[int], window: int | None, device: torch.device) -> Pairs:
    """All pairs within conversations of ``lengths``, or within consecutive windows of at most ``window`` utterances."""
    pieces = [piece for length in lengths for piece in _cut(length, window)]
    sizes = torch.tensor(pieces, dtype=torch.long)
    starts = sizes.cumsum(0) - sizes
    squares = sizes**2
    piece = torch.repeat_interleave(torch.arange(len(pieces)), squares)
    within = torch.arange(int(squares.sum())) - (squares.cumsum(0) - squares)[piece]
    first, second = starts[piece] + within // sizes[piece], starts[piece] + within % sizes[piece]
    return Pairs(first.to(device), second.to(device))


def _cut(length: int, window: int | None) -> list[int]:
    if window is None:
        return [length]
    return [min(window, length - start) for start in range(0, length, window)]
