"""A graph whose nodes are the modalities of the utterances of a conversation, and whose edges are similarities.

Every two nodes of one modality are joined, and the modalities of one utterance with each other (Hu et al., ACL 2021).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from crossspace.batching.layout import Block, Layout
from crossspace.nn.graph import inverse_root
from crossspace.nn.ragged import from_blocks, to_blocks

_BELOW_ONE = 0.99999
"""Cosines are scaled by it, so that the slope of the arc cosine stays finite where rows are parallel (MMGCN's code)."""


def angular(cosine: Tensor) -> Tensor:
    """``1 - arccos(0.99999 c) / pi``: cosines as similarities between 0 and 1 (Hu et al., ACL 2021)."""
    return 1.0 - torch.arccos(_BELOW_ONE * cosine) / math.pi


@dataclass(frozen=True, eq=False)
class SimilarityBlock:
    """The normalised adjacency of the conversations of one block of a layout; symmetric; never in half precision.

    Attributes:
        within: (b M, t, t) between the utterances of each conversation, modality by modality.
        across: (b, M, M, t, 1) between the modalities of each utterance, zero from one to itself.
    """

    within: Tensor
    across: Tensor

    def __matmul__(self, nodes: Tensor) -> Tensor:
        """What the (b, M, t, h) nodes receive, in the precision of the adjacency."""
        with torch.autocast(nodes.device.type, enabled=False):
            return _Propagate.apply(self.within, self.across, nodes.to(self.within.dtype))


def similarity_graph(rows: Tensor, layout: Layout, present: Tensor | None = None) -> list[SimilarityBlock]:
    """``D^(-1/2) A D^(-1/2)`` with the angular similarities A of the rows, a node also with itself; D sums rows of A.

    Args:
        rows: (N, M, d), of every utterance one row per modality.
        layout: the conversations.
        present: (N, M) bool, or none when every node is there. One that is not neither sends nor receives.

    Returns:
        One per block; gradients flow through it to the rows.
    """
    if not layout.blocks:
        return []
    with torch.autocast(rows.device.type, enabled=False):
        # In bfloat16 a cosine below one is one, where the arc cosine has no slope.
        exact = rows.to(torch.promote_types(rows.dtype, torch.float32))
        units = to_node_blocks(F.normalize(exact, dim=2), layout)
        shown = [None] * len(units) if present is None else to_node_blocks(present.unsqueeze(2), layout)
        return [_one_block(b, u, s) for b, u, s in zip(layout.blocks, units, shown, strict=True)]


def to_node_blocks(rows: Tensor, layout: Layout) -> list[Tensor]:
    """(N, M, d) rows as one (b, M, t, d) per block; padding is zero."""
    return [padded.transpose(1, 2).contiguous() for padded in to_blocks(rows, layout)]


def from_node_blocks(blocks: Sequence[Tensor], layout: Layout) -> Tensor:
    """Undo :func:`to_node_blocks`."""
    return from_blocks([block.transpose(1, 2).contiguous() for block in blocks], layout)


def _one_block(block: Block, units: Tensor, shown: Tensor | None) -> SimilarityBlock:
    """From (b, M, t, d) unit rows, and of which (b, M, t, 1) take part where that is not all of them."""
    if shown is None and not block.full:
        shown = block.valid[:, None, :, None].expand(-1, units.shape[1], -1, -1)
    within = angular(units @ units.transpose(2, 3))
    by_utterance = units.transpose(1, 2)
    across = angular(by_utterance @ by_utterance.transpose(2, 3))
    apart = ~torch.eye(units.shape[1], dtype=torch.bool, device=units.device)
    if shown is not None:
        within = torch.where(shown & shown.transpose(2, 3), within, 0.0)
        together = shown.transpose(1, 2)
        apart = apart & together & together.transpose(2, 3)
    across = torch.where(apart, across, 0.0).permute(0, 2, 3, 1).unsqueeze(4)
    half = inverse_root(within.sum(3, keepdim=True) + across.sum(2))
    within = half * within * half.transpose(2, 3)
    return SimilarityBlock(within.flatten(0, 1), half.unsqueeze(2) * across * half.unsqueeze(1))


class _Propagate(Function):
    """A sparse product; since the adjacency is symmetric, the gradient of the nodes is the same product.

    The general form would make a matrix of each edge between modalities and a copy of the nodes for its product.
    """

    @staticmethod
    def forward(ctx: Any, within: Tensor, across: Tensor, nodes: Tensor) -> Tensor:
        ctx.save_for_backward(within, across, nodes)
        return _product(within, across, nodes)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        within, across, nodes = ctx.saved_tensors
        for_within = torch.bmm(gradient.flatten(0, 1), nodes.flatten(0, 1).transpose(1, 2))
        for_across = torch.linalg.vecdot(gradient.unsqueeze(2), nodes.unsqueeze(1)).unsqueeze(4)
        return for_within, for_across, _product(within, across, gradient)


def _product(within: Tensor, across: Tensor, nodes: Tensor) -> Tensor:
    result = torch.bmm(within, nodes.flatten(0, 1)).view_as(nodes)
    for m, n in permutations(range(nodes.shape[1]), 2):
        result[:, m].addcmul_(across[:, m, n], nodes[:, n])
    return result
