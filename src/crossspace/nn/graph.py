"""Graphs whose nodes are the utterances of a conversation, block by block: no list of edges, nothing across a batch.

An adjacency is a list of tensors (b, t, t), one per block of the layout; padding neither sends nor receives.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from crossspace.batching.layout import Layout
from crossspace.nn.ragged import from_blocks, to_blocks


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
