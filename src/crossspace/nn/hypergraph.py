"""The hypergraph of a conversation, one hyperedge per modality and one per utterance, as sums over blocks.

Every node is one modality of one utterance. A hyperedge of a modality holds its nodes of the whole conversation, one of
an utterance the nodes of its modalities. Sums over time and sums over modalities are then all there is to compute, and
there is no list of incidences. Tensors of a block are (b, M, t, d): conversations, modalities, utterances, features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.layout import Layout
from crossspace.errors import UsageError
from crossspace.nn.ragged import from_blocks, to_blocks

_EDGES, _NODES = 1000, 5200
"""Entries of the tables of the released code of M3NET and HAUCL."""


def node_blocks(rows: Sequence[Tensor], layout: Layout) -> list[Tensor]:
    """M tensors of (N, d) rows as (b, M, t, d) per block, zero in the padding."""
    stacked = torch.stack(list(rows), dim=1)
    return [block.transpose(1, 2).contiguous() for block in to_blocks(stacked, layout)]


def node_rows(blocks: list[Tensor], layout: Layout) -> Tensor:
    """Undo :func:`node_blocks`: (N, M, d)."""
    return from_blocks([block.transpose(1, 2) for block in blocks], layout)


def shown_nodes(present: Mapping[str, Tensor | None], layout: Layout) -> list[Tensor | None]:
    """For each block (b, M, t) bool, the nodes that take part; none where all of its places do."""
    masks = {m: mask for m, mask in present.items() if mask is not None}
    if not masks:
        return [None if b.full else b.valid[:, None].expand(-1, len(present), -1) for b in layout.blocks]
    everywhere = torch.ones(len(layout), dtype=torch.bool, device=layout.device)
    stacked = torch.stack([masks.get(m, everywhere) for m in present], dim=1)
    return [block.transpose(1, 2) for block in to_blocks(stacked, layout)]


def inverse(values: Tensor) -> Tensor:
    """``1 / x``, and 0 for 0."""
    return torch.where(values == 0, 0.0, 1.0 / torch.where(values == 0, 1.0, values))


@dataclass(frozen=True, eq=False)
class BlockWeights:
    """The weights of one block; an axis of length 1 stands for all its places.

    Attributes:
        modality: (b, M, 1) of the hyperedge of each modality.
        utterance: (b, 1, t) of the hyperedge of each utterance.
        node: (b, M, t) of every node in its hyperedges; none if nodes have no weights.
    """

    modality: Tensor
    utterance: Tensor
    node: Tensor | None

    def spread(self) -> Tensor:
        """(b, M, t) what a node multiplies the sum of its two hyperedges by."""
        return inverse(self.modality + self.utterance)


class HypergraphWeights(nn.Module):
    """Learnt weights of hyperedges and of nodes in them, ones at the start.

    Args:
        modalities: M, how many there are.
        nodes: also hold weights of nodes.
        by_position: hold one weight for every place in a batch, as the released code of M3NET and HAUCL does, which
            counts hyperedges and nodes through the batch in its order. Otherwise hyperedges of one modality share a
            weight in all conversations, as do those of utterances, and the nodes of one modality.

    Attributes:
        by_position: as above; a training in several processes, or in micro-batches, refuses a layer that says so.
    """

    def __init__(self, modalities: int, nodes: bool, by_position: bool) -> None:
        super().__init__()
        self.modalities, self.by_position = modalities, by_position
        self.edge = nn.Parameter(torch.ones(_EDGES if by_position else modalities + 1))
        self.node = nn.Parameter(torch.ones(_NODES if by_position else modalities)) if nodes else None

    def forward(self, layout: Layout) -> list[BlockWeights]:
        """The weights of each block."""
        if self.by_position:
            return self._by_position(layout)
        modality, utterance = self.edge[None, :-1, None], self.edge[None, -1:, None]
        node = None if self.node is None else self.node[None, :, None]
        return [BlockWeights(modality, utterance, node) for _ in layout.blocks]

    def _by_position(self, layout: Layout) -> list[BlockWeights]:
        self._check_room(layout)
        m, lengths = self.modalities, torch.tensor(layout.lengths, dtype=torch.long)
        edges_before = (lengths + m).cumsum(0) - lengths - m
        nodes_before, found = m * (lengths.cumsum(0) - lengths), []
        for block in layout.blocks:
            which, steps = block.conversations.cpu(), torch.arange(block.rows.shape[1])
            first, which_modality = edges_before[which][:, None, None], torch.arange(m)[None, :, None]
            utterance = (first + m + steps).clamp(max=_EDGES - 1).to(layout.device)  # padding may be past the end
            node = nodes_before[which][:, None, None] + which_modality * lengths[which][:, None, None] + steps
            node = node.clamp(max=_NODES - 1).to(layout.device)
            modality = (first + which_modality).to(layout.device)
            of_nodes = None if self.node is None else self.node[node]
            found.append(BlockWeights(self.edge[modality], self.edge[utterance], of_nodes))
        return found

    def _check_room(self, layout: Layout) -> None:
        edges = len(layout) + self.modalities * len(layout.lengths)
        nodes = self.modalities * len(layout)
        if edges > _EDGES or (self.node is not None and nodes > _NODES):
            raise UsageError(
                f"Weights by position are held for {_EDGES:,} hyperedges and {_NODES:,} nodes of a batch. Found "
                f"{edges:,} and {nodes:,}. Use a smaller `training.batch_size`, or shared weights."
            )


@dataclass(frozen=True, eq=False)
class Incidence:
    """How one block of nodes exchanges with its hyperedges; an axis of length 1 stands for all its places.

    Attributes:
        modality: (b, M, 1, 1) what the sum of a hyperedge of a modality is multiplied by.
        utterance: (b, 1, t, 1) likewise for one of an utterance.
        spread: (b, M, t, 1) what a node multiplies the sum of its two hyperedges by.
        shown: (b, M, t, 1) bool, the nodes that take part; none if all do.
    """

    modality: Tensor
    utterance: Tensor
    spread: Tensor
    shown: Tensor | None


def incidence(weights: BlockWeights, shown: Tensor | None, like: Tensor) -> Incidence:
    """With hyperedges that are the sums of their nodes divided by the weights of these (M3NET).

    Args:
        weights: of the block.
        shown: (b, M, t) bool, the nodes that take part; none if all do.
        like: (b, M, t, d) nodes of the block.
    """
    node = like.new_ones(()) if weights.node is None else weights.node
    node = node.expand(like.shape[:3])
    if shown is not None:
        node = torch.where(shown, node, 0.0)
    return Incidence(
        modality=inverse(node.sum(2, keepdim=True))[..., None],
        utterance=inverse(node.sum(1, keepdim=True))[..., None],
        spread=weights.spread()[..., None],
        shown=None if shown is None else shown[..., None],
    )


def convolve(nodes: Tensor, edges: Incidence, bias: Tensor) -> Tensor:
    """One hypergraph convolution without a matrix: ``LeakyReLU(D (E_modality + E_utterance) + bias)``.

    Args:
        nodes: (b, M, t, d), zero where a node takes no part.
        edges: of the block.
        bias: (d,).

    Returns:
        (b, M, t, d), zero where a node takes no part.
    """
    modality = nodes.sum(2, keepdim=True) * edges.modality
    utterance = nodes.sum(1, keepdim=True) * edges.utterance
    spread = F.leaky_relu(torch.addcmul(bias, modality + utterance, edges.spread))
    return spread if edges.shown is None else torch.where(edges.shown, spread, 0.0)
