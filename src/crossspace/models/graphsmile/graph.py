"""The graph between two modalities: weighted edges in a window, linear convolutions, and what is read of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.layout import Layout
from crossspace.errors import UsageError
from crossspace.models.graphsmile.sides import BothSides, exchange
from crossspace.nn.copies import copies
from crossspace.nn.dropout import Dropout
from crossspace.nn.graph import inverse_root
from crossspace.nn.linear import Linear, linear
from crossspace.nn.ragged import to_blocks

Weights = Literal["by-distance", "by-position"]
_TABLE = 500_000
"""Edges of one graph in a batch for which the released code has weights."""
_FARTHEST = 32
"""Where a window has no end, utterances farther away than this share a weight."""
SLOPE = 0.01
_ALIGNED = 8
"""Widths of a multiple of this are multiplied fastest."""

Window = tuple["int | None", "int | None"]


class EdgeWeights(nn.Module):
    """Learned weights of the edges from one modality to another and back, ones at first.

    Args:
        window: how many utterances back and ahead an edge reaches; none for all.
        kind: a weight ``by-distance`` and direction, which means the same everywhere; or ``by-position`` of the edge in
            the batch, counted conversation by conversation, direction by direction, row by row (the released code).
    """

    def __init__(self, window: Window, kind: Weights) -> None:
        super().__init__()
        self.window, self.by_position = window, kind == "by-position"
        self.reach = [_FARTHEST if side is None else side for side in window]
        shape = (_TABLE,) if self.by_position else (2, sum(self.reach) + 1)
        self.weight = nn.Parameter(torch.ones(shape))

    def forward(self, layout: Layout) -> list[tuple[Tensor, Tensor]]:
        """For each block of the layout two (b, t, t): from the second modality to the first, and the other way."""
        bands = layout.band(*self.window)
        if self.by_position:
            return self._by_position(layout, bands)
        return [self._by_distance(band) for band in bands]

    def _by_distance(self, band: Tensor) -> tuple[Tensor, Tensor]:
        places = torch.arange(band.shape[1], device=band.device)
        distance = (places[None, :] - places[:, None]).clamp(-self.reach[0], self.reach[1]) + self.reach[0]
        first, second = self.weight
        return torch.where(band, first[distance], 0.0), torch.where(band, second[distance], 0.0)

    def _by_position(self, layout: Layout, bands: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
        counts = torch.zeros(len(layout.lengths), dtype=torch.long, device=self.weight.device)
        for block, band in zip(layout.blocks, bands, strict=True):
            counts[block.conversations] = 2 * band.sum((1, 2))
        starts = counts.cumsum(0) - counts
        # Known from the lengths alone, so that nobody waits for the device.
        total = sum(2 * _edges(length, self.window) for length in layout.lengths)
        if total > _TABLE:
            raise UsageError(
                f"With weights by position a batch may have {_TABLE:,} edges. Found {total:,} in {len(layout.lengths)} "
                "conversations. Use smaller batches or windows, or weights by distance."
            )
        found = []
        for block, band in zip(layout.blocks, bands, strict=True):
            both = torch.stack([band, band], dim=1).flatten(1)
            places = (both.long().cumsum(1) - 1 + starts[block.conversations, None]).clamp(min=0)
            weights = torch.where(both, self.weight[places], 0.0).unflatten(1, (2, *band.shape[1:]))
            found.append((weights[:, 0], weights[:, 1]))
        return found


def _edges(length: int, window: Window) -> int:
    """Edges of one direction in a conversation."""
    past, future = (length if side is None else side for side in window)
    return sum(min(i, past) + min(length - 1 - i, future) + 1 for i in range(length))


class PairGraph(nn.Module):
    """A graph between two modalities: linear convolutions in a row, each read by a network of its own.

    Args:
        width: h of the rows.
        layers: convolutions.
        window: see :class:`EdgeWeights`.
        weights: likewise.
        dropout: on what is read.

    Note:
        Nothing bends between the convolutions. So layer k holds ``A^k x W_1' ... W_k'`` and what the biases add, and
        its reader's map can be multiplied with those of the convolutions before it: one product of all rows per layer,
        not two. The products of the maps are as large as those of h rows; where there are fewer utterances than that,
        the layers are computed one by one.
    """

    def __init__(self, width: int, layers: int, window: Window, weights: Weights, dropout: float) -> None:
        super().__init__()
        self.edges = EdgeWeights(window, weights)
        first = Linear(width, width)
        assert first.bias is not None
        bias = first.bias.detach()
        # The bias comes after the propagation, apart from the map.
        self.biases = nn.ParameterList(nn.Parameter(bias.clone()) for _ in range(layers))
        first.register_parameter("bias", None)
        self.convolutions = copies(first, layers)
        self.readers = copies(Linear(width, width), layers)
        self.dropout = Dropout(dropout)

    def forward(
        self, one: Tensor, other: Tensor, both: BothSides, here: Tensor | None, there: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Two times (N, h) to the same; a row that is missing, by the masks ``here`` and ``there``, has no edge."""
        layout = both.layout
        if not layout.blocks:
            return one, other
        adjacency = self._normalised(layout, here, there)
        total = rows = both.blocks(torch.cat([one, other]))
        # What is exported is the same for every number of utterances.
        short = not torch.compiler.is_exporting() and len(layout) < rows.shape[1]
        held = self._layer_by_layer if short else self._composed
        for (layer, weight), (_, _, reader) in zip(held(rows, adjacency), self._layers(), strict=True):
            total = total + self.dropout(F.leaky_relu(linear(layer, weight, reader.bias), SLOPE))
        total = both.rows(total)
        return total[: len(layout)], total[len(layout) :]

    def _layers(self) -> Iterator[tuple[Linear, Tensor, Linear]]:
        """The map of each convolution, its bias, and its reader."""
        convolutions, readers = (cast(Iterable[Linear], maps) for maps in (self.convolutions, self.readers))
        return zip(convolutions, self.biases, readers, strict=True)

    def _layer_by_layer(self, rows: Tensor, adjacency: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """What each layer holds, and the map that reads it."""
        for convolution, bias, reader in self._layers():
            rows = exchange(adjacency, convolution(rows), bias)
            yield rows, reader.weight

    def _composed(self, rows: Tensor, adjacency: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """The same as rows that were propagated and not mapped, and the product of all maps up to the reader.

        Columns beyond h hold what the bias of each layer is multiplied by: one, and propagated from then on.
        """
        width, more = rows.shape[1], -(-len(self.biases) // _ALIGNED) * _ALIGNED
        rows = F.pad(rows, (0, more))
        units = torch.eye(width + more, dtype=rows.dtype, device=rows.device)[width:]
        product: Tensor | None = None
        for (convolution, bias, reader), unit in zip(self._layers(), units, strict=False):
            rows = exchange(adjacency, rows, unit)
            weight = convolution.weight
            product = F.pad(weight, (0, more)) if product is None else weight @ product
            product = product + torch.outer(bias, unit)
            yield rows, reader.weight @ product

    def _normalised(self, layout: Layout, here: Tensor | None, there: Tensor | None) -> list[Tensor]:
        """For each block (2, b, t, t), divided by the roots of the degrees at both ends.

        The first is received by the first modality; what a node receives is its degree.
        """
        edges = self.edges(layout)
        if here is not None or there is not None:
            shown = [
                torch.ones(len(layout), dtype=torch.bool, device=layout.device) if p is None else p
                for p in (here, there)
            ]
            masks = zip(*(to_blocks(p, layout) for p in shown), strict=True)
            edges = [
                (torch.where(a[:, :, None] & b[:, None, :], x, 0.0), torch.where(b[:, :, None] & a[:, None, :], y, 0.0))
                for (x, y), (a, b) in zip(edges, masks, strict=True)
            ]
        adjacency = []
        for pair in edges:
            both = torch.stack(pair)
            root = inverse_root(both.sum(3))
            adjacency.append(root[:, :, :, None] * both * root.flip(0)[:, :, None, :])
        return adjacency
