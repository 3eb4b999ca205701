"""Graphs whose nodes are the utterances of a conversation, block by block: no list of edges, nothing across a batch.

An adjacency is a list of tensors (b, t, t), one per block of the layout; padding neither sends nor receives.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from crossspace.batching.layout import Layout
from crossspace.nn.ragged import from_blocks, to_blocks

_BELOW_ONE = 0.99999
"""Cosines are scaled by it, so that the slope of the arc cosine stays finite where rows are parallel (MMGCN's code)."""


def angular(cosine: Tensor) -> Tensor:
    """``1 - arccos(0.99999 c) / pi``: cosines as similarities between 0 and 1 (Hu et al., ACL 2021)."""
    return 1.0 - torch.arccos(_BELOW_ONE * cosine) / math.pi


def angular_similarity(rows: Tensor, layout: Layout, visible: Tensor | None = None) -> list[Tensor]:
    """The similarity of every two rows of one conversation, also of a row with itself.

    Args:
        rows: (N, d).
        layout: the conversations.
        visible: (N,) bool; rows that are not are similar to nothing.

    Returns:
        For each block (b, t, t).
    """
    units = to_blocks(F.normalize(rows, dim=1), layout)
    similar = [angular(unit @ unit.transpose(1, 2)) for unit in units]
    return [torch.where(mask, s, 0.0) for s, mask in zip(similar, _linked(layout, visible), strict=True)]


def _linked(layout: Layout, visible: Tensor | None) -> list[Tensor]:
    """For each block (b, t, t), whether both ends are rows that take part."""
    if visible is None:
        return list(layout.band())
    shown = to_blocks(visible, layout)
    return [s[:, :, None] & s[:, None, :] for s in shown]


def cosine_of(one: Tensor, other: Tensor) -> Tensor:
    """(N,) cosine of each row of (N, d) with the same row of another modality."""
    return (F.normalize(one, dim=1) * F.normalize(other, dim=1)).sum(1)


def degrees(adjacency: Sequence[Tensor], layout: Layout) -> Tensor:
    """(N,) sum of what each row receives."""
    return from_blocks([block.sum(2) for block in adjacency], layout)


def inverse_root(degree: Tensor) -> Tensor:
    """``d^(-1/2)``, zero where nothing is received: either half of a symmetric normalisation."""
    positive = degree > 0
    return torch.where(positive, torch.where(positive, degree, 1.0).rsqrt(), 0.0)


def propagate(adjacency: Sequence[Tensor], rows: Tensor, layout: Layout) -> Tensor:
    """``A x`` within each conversation: (N, d) rows to (N, d), the second axis of the adjacency receiving."""
    if not layout.blocks:
        return rows
    return from_blocks([a @ x for a, x in zip(adjacency, to_blocks(rows, layout), strict=True)], layout)


def conversation_means(rows: Tensor, layout: Layout, weights: Tensor | None = None) -> Tensor:
    """What a hyperedge over all utterances of a conversation holds.

    Args:
        rows: (N, d).
        layout: the conversations.
        weights: (N,) of each row in the mean, zero for one that takes no part; equal ones if none.

    Returns:
        (B, d) weighted means; zero for a conversation whose weights sum to zero.
    """
    weights = rows.new_ones(len(rows)) if weights is None else weights.to(rows.dtype)
    totals = conversation_sums(torch.cat([rows * weights[:, None], weights[:, None]], dim=1), layout)
    weight = totals[:, -1:]
    return totals[:, :-1] / torch.where(weight == 0, 1.0, weight)


def conversation_sums(rows: Tensor, layout: Layout) -> Tensor:
    """(N, d) rows to (B, d) sums over each conversation; zero for one without utterances."""
    sums = rows.new_zeros(len(layout.lengths), rows.shape[1])
    for block, padded in zip(layout.blocks, to_blocks(rows, layout) if layout.blocks else (), strict=True):
        sums = sums.index_copy(0, block.conversations, padded.sum(1))
    return sums


def spread(values: Tensor, layout: Layout) -> Tensor:
    """(B, d) one row per conversation to (N, d), the same for all its utterances."""
    if not layout.blocks:
        return values.new_zeros(0, values.shape[1])
    wide = [values[b.conversations].unsqueeze(1).expand(-1, b.rows.shape[1], -1) for b in layout.blocks]
    return from_blocks(wide, layout)
