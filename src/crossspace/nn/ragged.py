"""From ragged rows to padded blocks and back, without arithmetic and with an exact, deterministic gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from crossspace.batching.layout import Block, Layout


class _Arrange(Function):
    """``out[i] = rows[take[i]]``, or zero where ``take[i]`` is past the end; every row is taken at most once.

    The gradient is the same operation with ``give``, the inverse of ``take``: a gather, where a generic index
    would scatter.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, take: Tensor, give: Tensor) -> Tensor:
        ctx.save_for_backward(give)
        return _take(rows, take)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (give,) = ctx.saved_tensors
        return _take(gradient, give), None, None


_LARGE = 1 << 18
"""Numbers from which another pass through memory costs more than a few small operations."""


def _take(rows: Tensor, index: Tensor) -> Tensor:
    if len(index) <= len(rows):
        return rows.index_select(0, index)
    if rows.is_cpu and rows.numel() >= _LARGE and not torch.compiler.is_exporting():
        none = index == len(rows)
        return rows.index_select(0, index.masked_fill(none, 0)).index_fill_(0, none.nonzero().flatten(), 0.0)
    zero = rows.new_zeros(1, *rows.shape[1:])
    return torch.cat([rows, zero]).index_select(0, index)


def arrange(rows: Tensor, take: Tensor, give: Tensor) -> Tensor:
    """(n, ...) rows at other places, zero at those that none is put.

    Args:
        rows: (n, ...).
        take: (p,) which row is put at each place, n for none; every row is put somewhere.
        give: (n,) where each row is put.
    """
    return _Arrange.apply(rows, take, give)


def reorder(rows: Tensor, order: Tensor, back: Tensor) -> Tensor:
    """(N, ...) rows in another order, ``rows[order]``; ``back`` is the inverse permutation."""
    return _Arrange.apply(rows, order, back)


def to_blocks(rows: Tensor, layout: Layout) -> list[Tensor]:
    """(N, ...) rows as one padded tensor (b, t, ...) per block of ``layout``; padding is zero."""
    padded = _Arrange.apply(rows, layout.padded_rows, layout.places)
    sizes = [block.rows.numel() for block in layout.blocks]
    return [
        part.unflatten(0, tuple(block.rows.shape))
        for part, block in zip(padded.split(sizes), layout.blocks, strict=True)
    ]


def from_blocks(blocks: list[Tensor], layout: Layout) -> Tensor:
    """Undo :func:`to_blocks`: (N, ...) rows, with what stands in the padding left behind."""
    padded = torch.cat([block.flatten(0, 1) for block in blocks])
    return _Arrange.apply(padded, layout.places, layout.padded_rows)


def map_blocks(function: Callable[..., Tensor], layout: Layout, *rows: Tensor) -> Tensor:
    """Apply ``function(block, *padded)`` to every block of the given row tensors and return rows again."""
    if not layout.blocks:
        return rows[0]
    padded = [to_blocks(r, layout) for r in rows]
    outputs = [function(block, *parts) for block, *parts in zip(layout.blocks, *padded, strict=True)]
    return from_blocks(outputs, layout)


__all__ = ["Block", "arrange", "from_blocks", "map_blocks", "reorder", "to_blocks"]
