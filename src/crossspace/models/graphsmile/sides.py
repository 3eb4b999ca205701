"""The rows of two modalities in blocks, and what one receives of the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from crossspace.batching.layout import Layout
from crossspace.nn.ragged import arrange


class BothSides:
    """Where the rows of two modalities stand in blocks: block by block, all of the first modality, then of the second.

    They stay there over all layers of a graph, as one tensor for the products with weights, of which every block is a
    part that lies in one piece for the products with the adjacency.

    Args:
        layout: the conversations.

    Attributes:
        layout: the same.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        sizes = [block.rows.numel() for block in layout.blocks]
        places = 2 * layout.padded_rows.numel()

        def at_each_row(of_blocks: Iterable[int]) -> Tensor:
            parts = [torch.full((n,), value, device=layout.device) for n, value in zip(sizes, of_blocks, strict=True)]
            return torch.cat([*parts, layout.places.new_zeros(0)])[layout.places]

        # Before the first modality of a block stand both of all blocks before it, of which the place counts one.
        first = at_each_row(sum(sizes[:index]) for index in range(len(sizes))) + layout.places
        second = first + at_each_row(sizes)
        self._places = torch.cat([first, second])
        count = len(self._places)
        self._taken = torch.full((places,), count, device=layout.device)
        self._taken[self._places] = torch.arange(count, device=layout.device)

    def blocks(self, rows: Tensor) -> Tensor:
        """(2 N, h) rows, one modality after the other, to (P, h); padding is zero."""
        return arrange(rows, self._taken, self._places)

    def rows(self, blocks: Tensor) -> Tensor:
        """The way back, (P, h) to (2 N, h)."""
        return arrange(blocks, self._places, self._taken)


def exchange(adjacency: Sequence[Tensor], rows: Tensor, bias: Tensor) -> Tensor:
    """What the nodes of either modality receive from the other.

    Args:
        adjacency: for each block (2, b, t, t), the second last axis receiving: to the first modality, to the second.
        rows: (P, h) as :class:`BothSides` puts them.
        bias: (h,) added to every row.

    Note:
        In the widest of the precisions; autocast has no part in it.
    """
    precision = torch.promote_types(torch.promote_types(rows.dtype, bias.dtype), adjacency[0].dtype)
    if torch.compiler.is_exporting():  # a graph writes nothing to where it stands
        received = [
            torch.stack([torch.baddbmm(bias, a[side], x[1 - side]) for side in (0, 1)]).flatten(0, 2)
            for a, x in zip(adjacency, _by_block(rows, adjacency), strict=True)
        ]
        return torch.cat(received)
    return _Exchange.apply(rows.to(precision), bias.to(precision), *(a.to(precision) for a in adjacency))


class _Exchange(Function):
    """Written out, so that every block is multiplied to where it stands, with the bias."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, bias: Tensor, *adjacency: Tensor) -> Tensor:
        ctx.save_for_backward(rows, *adjacency)
        received = torch.empty_like(rows)
        for a, x, y in zip(adjacency, _by_block(rows, adjacency), _by_block(received, adjacency), strict=True):
            for side in (0, 1):
                torch.baddbmm(bias, a[side], x[1 - side], out=y[side])
        return received

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        rows, *adjacency = ctx.saved_tensors
        gradient = gradient.contiguous()
        for_rows = torch.empty_like(rows)
        parts = [_by_block(x, adjacency) for x in (rows, gradient, for_rows)]
        for_adjacency = []
        for a, x, g, out in zip(adjacency, *parts, strict=True):
            for side in (0, 1):
                torch.bmm(a[side].mT, g[side], out=out[1 - side])
            for_adjacency.append(torch.stack([g[side] @ x[1 - side].mT for side in (0, 1)]))
        return for_rows, gradient.sum(0) if ctx.needs_input_grad[1] else None, *for_adjacency


def _by_block(rows: Tensor, adjacency: Sequence[Tensor]) -> list[Tensor]:
    """(P, h) to one view (2, b, t, h) per block."""
    shapes = [a.shape[:3] for a in adjacency]
    parts = rows.split([shape.numel() for shape in shapes])
    return [part.unflatten(0, tuple(shape)) for part, shape in zip(parts, shapes, strict=True)]
