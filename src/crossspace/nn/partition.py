"""The denominators of a contrast between rows, block by block: no square matrix over all rows need be in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

_BLOCK = 1024
"""Rows of a block."""

_KEPT = 1 << 24
"""Up to as many similarities are kept for the gradient; more are computed again."""


@dataclass(frozen=True)
class _Chunk:
    """Consecutive rows of one view, all of this process or all of others."""

    rows: slice
    view: int
    own: bool


@dataclass(frozen=True)
class Contrast:
    """Which rows are compared. Rows are those of view 0 and 1 of this process, then those of view 0 and 1 of others.

    Attributes:
        own: rows of one view of this process.
        others: rows of one view of the other processes.
        both_anchors: rows of both views ask, or of view 0 alone; of this process in either case.
        own_view: the other rows of the same view are candidates too, or those of the other view alone.
        temperature: T.
    """

    own: int
    others: int
    both_anchors: bool
    own_view: bool
    temperature: float

    def asks(self, chunk: _Chunk) -> bool:
        """Whether rows of the chunk are anchors."""
        return chunk.own and (self.both_anchors or chunk.view == 0)

    def pairs(self) -> Iterator[tuple[_Chunk, _Chunk]]:
        """Pairs of chunks of which one asks, each once: what one says of the other, the other says of it."""
        chunks = self._chunks()
        for index, one in enumerate(chunks):
            for other in chunks[index:]:
                if (self.own_view or one.view != other.view) and (self.asks(one) or self.asks(other)):
                    yield one, other

    def _chunks(self) -> list[_Chunk]:
        ends = (0, self.own, 2 * self.own, 2 * self.own + self.others, 2 * (self.own + self.others))
        return [
            _Chunk(slice(start, min(start + _BLOCK, ends[part + 1])), part % 2, part < 2)
            for part in range(4)
            for start in range(ends[part], ends[part + 1], _BLOCK)
        ]


def log_partition(rows: Tensor, visible: Tensor, contrast: Contrast) -> Tensor:
    """``log sum_j exp(z_i . z_j / T)`` over the visible candidates j of row i, never i itself.

    Args:
        rows: (R, d) of length one, in the order of :class:`Contrast`.
        visible: (R,) bool, the rows that take part.
        contrast: which are compared.

    Returns:
        (R,); ``1 / T`` where a row has no candidate or does not ask.

    Note:
        Sums start from the largest cosine there can be, so that one pass is enough; rows are to be of float64 where T
        is so small that ``exp(-2 / T)`` is no number of float32.
    """
    return _LogPartition.apply(rows, visible, contrast)


class _LogPartition(Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, visible: Tensor, contrast: Contrast) -> Tensor:
        sums, kept = rows.new_zeros(len(rows)), []
        keep = 2 * (contrast.own + contrast.others) * contrast.own <= _KEPT
        for one, other in contrast.pairs():
            alike = _exponentials(rows, visible, one, other, contrast.temperature)
            if contrast.asks(one):
                sums[one.rows] += alike.sum(1)
            if contrast.asks(other) and other is not one:
                sums[other.rows] += alike.sum(0)
            if keep:
                kept.append(alike)
        ctx.contrast, ctx.kept = contrast, kept
        ctx.save_for_backward(rows, visible, sums)
        return torch.where(sums > 0, sums, 1.0).log() + 1.0 / contrast.temperature

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        rows, visible, sums = ctx.saved_tensors
        contrast, found = ctx.contrast, torch.zeros_like(rows)
        scale = torch.where(sums > 0, gradient / torch.where(sums > 0, sums, 1.0), 0.0) / contrast.temperature
        for index, (one, other) in enumerate(contrast.pairs()):
            if ctx.kept:
                alike = ctx.kept[index]
            else:
                alike = _exponentials(rows, visible, one, other, contrast.temperature)
            # A pair counts in the sum of either row; of rows that do not ask the sum and the scale are zero.
            weight = alike * (scale[one.rows, None] + scale[other.rows])
            found[one.rows].addmm_(weight, rows[other.rows])
            if other is not one:
                found[other.rows].addmm_(weight.T, rows[one.rows])
        return found, None, None


def _exponentials(rows: Tensor, visible: Tensor, one: _Chunk, other: _Chunk, temperature: float) -> Tensor:
    """``exp((z_i . z_j - 1) / T)``, zero for a row with itself and where one of the two takes no part."""
    start = rows.new_full((other.rows.stop - other.rows.start,), -1.0 / temperature)
    start = start.masked_fill_(~visible[other.rows], -torch.inf)
    alike = torch.addmm(start, rows[one.rows], rows[other.rows].T, alpha=1.0 / temperature).exp_()
    alike *= visible[one.rows, None]
    if other is one:
        alike.fill_diagonal_(0.0)
    return alike
