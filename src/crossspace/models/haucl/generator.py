"""HAUCL's generator: a variational autoencoder of the incidences of a hypergraph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.layout import Layout
from crossspace.models.haucl.noise import STEPS, Noise, evenly
from crossspace.models.haucl.structure import Structure
from crossspace.nn.dropout import Dropout
from crossspace.nn.linear import Linear
from crossspace.nn.ragged import map_blocks, to_blocks

CALLS = 2
"""Reconstructions of one hypergraph, each with dropout and latents of its own."""

Release = Literal["sound", "z", "y"]


@dataclass(frozen=True, eq=False)
class Generated:
    """What the generator says of N utterances with M modalities in B conversations; sums are over both calls.

    Attributes:
        kept: two (N, M, calls), what a node weighs in the hyperedge of its modality and in that of its utterance.
        losses: by name (N,) sums for every utterance over its nodes and the hyperedge of it; and (B, M) for hyperedges
            of modalities; see :class:`~crossspace.models.haucl.losses.Generation`.
    """

    kept: tuple[Tensor, Tensor]
    losses: dict[str, Tensor]


class Pooling(nn.Module):
    """Attention of a learnt seed to the rows of a set, with one head (PMA).

    Args:
        width: of the rows.

    Note:
        The score of a row is the product of its key with the seed, and is computed as its product with the seed mapped
        back: the keys themselves are not needed.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.seed = nn.Parameter(torch.empty(1, 1, width))
        self.key, self.value, self.inner = Linear(width, width), Linear(width, width), Linear(width, width)
        self.first_norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        nn.init.xavier_uniform_(self.seed)
        nn.init.xavier_uniform_(self.key.weight)
        nn.init.xavier_uniform_(self.value.weight)

    def scores(self, rows: Tensor) -> Tensor:
        """(..., d) to (...): how much a row is attended to, before the softmax over its set."""
        seed = self.seed.flatten()
        return F.leaky_relu(rows @ (self.key.weight.T @ seed) + self.key.bias @ seed, 0.2)

    def finished(self, pooled: Tensor) -> Tensor:
        """(R, d) weighted sums of values to (R, d)."""
        rows = self.first_norm(pooled + self.seed.flatten())
        return torch.relu_(self.second_norm(rows + torch.relu_(self.inner(rows))))


class Latents(nn.Module):
    """Mean and deviation of Gaussian latents, each by a hidden layer.

    Args:
        width: of the rows and of the latents.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mean = nn.Sequential(Linear(width, width), nn.ReLU(inplace=True), Linear(width, width))
        self.deviation = nn.Sequential(Linear(width, width), nn.ReLU(inplace=True), Linear(width, width), nn.Softplus())

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(R, d) to mean and deviation (R, d), and (R,) their divergence from a standard normal distribution."""
        mean, deviation = self.mean(rows), self.deviation(rows)
        # Sums of squares as norms: large rows are read and not written.
        squares = torch.linalg.vector_norm(mean, dim=1).square() + torch.linalg.vector_norm(deviation, dim=1).square()
        divergence = 0.5 * (squares - mean.shape[1]) - deviation.log().sum(1)
        return mean, deviation, divergence


class Generator(nn.Module):
    """Rows of hyperedges and nodes by attention, latents of both, and from two of them whether they belong together.

    Args:
        width: of the nodes.
        dropout: on the rows of hyperedges before nodes attend to them.
        release: what is computed as in one of the two released codes, see :class:`~crossspace.models.haucl.HAUCL`.
        relaxation: temperature of the choice whether an incidence is kept.
    """

    def __init__(self, width: int, dropout: float, release: Release, relaxation: float) -> None:
        super().__init__()
        self.release, self.relaxation, self.noise = release, relaxation, Noise()
        self.to_edges, self.to_nodes = Pooling(width), Pooling(width)
        self.dropout = Dropout(dropout)
        self.node_latents, self.edge_latents = Latents(width), Latents(width)
        self.pair, self.belongs = Linear(width, width), Linear(width, 2)

    def forward(self, nodes: Tensor, blocks: list[Tensor], structure: Structure) -> Generated:
        """Both reconstructions.

        Args:
            nodes: (N, M, d), zero where a node is missing.
            blocks: the same as (b, M, t, d) per block.
            structure: of the batch.
        """
        edges = self._edges(nodes, blocks, structure)
        edge_mean, edge_deviation, edge_divergence = self.edge_latents(edges)
        received = self._nodes(edges, structure)
        node_mean, node_deviation, node_divergence = (
            x.unflatten(0, received.shape[:3]) for x in self.node_latents(received.flatten(0, 2))
        )
        node_latents = self._drawn(node_mean, node_deviation)
        edge_latents = self._drawn(*(x[:, None].expand(-1, CALLS, -1) for x in (edge_mean, edge_deviation)))
        own = [self._compared(node_latents, rows) for rows in structure.of_nodes(edge_latents)]
        existing = torch.stack([F.softplus(-o) for o in own]).sum((0, 3))
        split = structure.edges_of_modalities
        present = structure.present
        losses = {
            "existing": torch.where(present, existing, 0.0).sum(1),
            "nodes": torch.where(present, node_divergence.sum(2), 0.0).sum(1),
            "utterances": torch.where(present.any(1), edge_divergence[split:], 0.0),
            "modalities": edge_divergence[:split].view(-1, present.shape[1]),
        }
        if self.release != "y":
            losses |= self._absent(node_latents, edge_latents, structure)
        return Generated((self._kept(own[0]), self._kept(own[1])), losses)

    def phantom(self) -> Tensor:
        """(1,) the divergence of a hyperedge that holds no node."""
        nothing = torch.zeros_like(self.to_edges.seed)[0]
        return self.edge_latents(self.to_edges.finished(nothing))[2]

    def _edges(self, nodes: Tensor, blocks: list[Tensor], structure: Structure) -> Tensor:
        """(B M + N, d): what hyperedges attend to in their nodes; the same in both calls, as nothing is drawn."""
        scores = self.to_edges.scores(nodes)
        over_time = softmax_over_time(scores, structure)
        lowest = torch.finfo(scores.dtype).min
        beside = torch.softmax(scores.masked_fill(~structure.present, lowest), dim=1) * structure.present
        modalities = modality_sums(over_time[..., None], blocks, structure.layout, nodes.shape[2]).flatten(0, 2)
        pooled = torch.cat([modalities, (beside[:, None] @ nodes).squeeze(1)])
        # The weights of a hyperedge sum to one, so that values may be taken of its mean.
        return self.to_edges.finished(self.to_edges.value(pooled))

    def _nodes(self, edges: Tensor, structure: Structure) -> Tensor:
        """(N, M, calls, d): what nodes attend to in their two hyperedges."""
        dropped = self.dropout(edges[:, None].expand(-1, CALLS, -1))
        values = self.to_nodes.value(dropped.flatten(0, 1)).view_as(dropped)
        of_modality, of_utterance = structure.of_nodes(self.to_nodes.scores(dropped)[..., None])
        share = torch.sigmoid(of_modality - of_utterance)
        of_modality, of_utterance = structure.of_nodes(values)
        pooled = torch.lerp(of_utterance, of_modality, share)
        return self.to_nodes.finished(pooled.flatten(0, 2)).view_as(pooled)

    def _drawn(self, mean: Tensor, deviation: Tensor) -> Tensor:
        """Latents; their means in evaluation."""
        return torch.addcmul(mean, deviation, self.noise.normal(mean)) if self.training else mean

    def _compared(self, nodes: Tensor, edges: Tensor) -> Tensor:
        """(..., d) latents to (...): the logit that they belong together less the logit that they do not."""
        rows = nodes * edges
        hidden = torch.relu_(self.pair(rows.flatten(0, -2)))
        weight, bias = (x[1] - x[0] for x in (self.belongs.weight, self.belongs.bias))
        return (hidden @ weight + bias).view(rows.shape[:-1])

    def _absent(self, nodes: Tensor, edges: Tensor, structure: Structure) -> dict[str, Tensor]:
        """Per utterance the losses of as many pairs that do not belong together as it has incidences."""
        count, modalities = nodes.shape[:2]
        like = nodes.new_empty(count, modalities, 2 * CALLS)
        if self.release == "z":
            first, second = (self._uniform(like, structure, step) for step in STEPS)
            node, edge, possible = structure.anywhere(first, second)
            compared = self._compared(by_call(nodes.flatten(0, 1), node), by_call(edges, edge))
        else:
            edge, there = structure.outside(self._uniform(like, structure, STEPS[0]))
            possible = there[..., None].expand_as(like)
            halves = [self._compared(nodes, by_call(edges, half)) for half in edge.split(CALLS, dim=2)]
            compared = torch.cat(halves, dim=2)
        losses = torch.where(possible, F.softplus(compared), 0.0)
        return {"absent": losses.sum((1, 2)), "absent_count": possible.sum((1, 2))}

    def _uniform(self, like: Tensor, structure: Structure, step: float) -> Tensor:
        """Numbers between 0 and 1; in evaluation they depend on the place in the conversation alone."""
        if self.training:
            return self.noise.uniform(like)
        count = like.shape[1] * like.shape[2]
        places = structure.layout.positions[:, None] * count + torch.arange(count, device=like.device)
        return evenly(places.to(like.dtype), step).view_as(like)

    def _kept(self, logits: Tensor) -> Tensor:
        """(N, M, calls) logits to what a node weighs in a hyperedge: 0 or 1, with the slope of a soft choice."""
        noisy = logits + self.noise.logistic(logits) if self.training else logits
        soft = torch.sigmoid(noisy / self.relaxation)
        if self.release == "y":
            return torch.sigmoid(2.0 * soft - 1.0)  # a softmax of the two soft choices once more
        return (noisy > 0).to(soft.dtype) + soft - soft.detach()


def by_call(rows: Tensor, index: Tensor) -> Tensor:
    """(R, calls, d) rows and (N, M, K) places to (N, M, K, d), the calls taking turns along K."""
    calls = torch.arange(index.shape[2], device=index.device) % CALLS
    return rows.flatten(0, 1).index_select(0, (index * CALLS + calls).flatten()).view(*index.shape, rows.shape[2])


def softmax_over_time(scores: Tensor, structure: Structure) -> Tensor:
    """(N, M) weights that sum to one over the nodes of one modality of one conversation, zero for missing ones."""

    def one_block(block: object, values: Tensor, there: Tensor) -> Tensor:
        return torch.softmax(values.masked_fill(~there, torch.finfo(values.dtype).min), dim=1) * there

    return map_blocks(one_block, structure.layout, scores, structure.present)


def modality_sums(weights: Tensor, blocks: list[Tensor], layout: Layout, width: int) -> Tensor:
    """Weighted sums over the conversation.

    Args:
        weights: (N, M, c) of each node, c sets of them.
        blocks: the nodes as (b, M, t, d) per block.
        layout: the conversations.
        width: d of the nodes.

    Returns:
        (B, M, c, d)
    """
    sums = weights.new_zeros(len(layout.lengths), *weights.shape[1:], width)
    if not layout.blocks:
        return sums
    for block, nodes, padded in zip(layout.blocks, blocks, to_blocks(weights, layout), strict=True):
        sums = sums.index_copy(0, block.conversations, padded.permute(0, 2, 3, 1) @ nodes)
    return sums
