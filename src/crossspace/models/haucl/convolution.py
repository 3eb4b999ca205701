"""HAUCL's convolution over the incidences that a reconstruction keeps."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.layout import Layout
from crossspace.models.haucl.generator import Release, modality_sums
from crossspace.models.haucl.structure import Structure
from crossspace.nn.graph import conversation_sums
from crossspace.nn.hypergraph import HypergraphWeights, inverse
from crossspace.nn.ragged import from_blocks


class Convolution(nn.Module):
    """Hyperedges as means over the nodes that are kept in them, and back to all their nodes, without a matrix.

    Args:
        width: d of the nodes.
        modalities: M.
        release: what is computed as in one of the two released codes, see :class:`~crossspace.models.haucl.HAUCL`.
    """

    def __init__(self, width: int, modalities: int, release: Release) -> None:
        super().__init__()
        self.release = release
        self.weights = HypergraphWeights(modalities, nodes=False, by_position=release != "sound")
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, nodes: Tensor, blocks: list[Tensor], structure: Structure, kept: tuple[Tensor, Tensor]) -> Tensor:
        """(N, M, calls, d): what nodes receive from their hyperedges in either reconstruction."""
        layout, there = structure.layout, structure.present[..., None]
        weights = [torch.where(there, k, 0.0) for k in kept]
        divisors = [w.detach() for w in weights]
        if self.release == "y":
            divisors = [torch.where(there, _of_other_nodes(kept, layout), 0.0)] * 2
            weights = [there.to(nodes.dtype).expand_as(k) for k in kept]
        total = conversation_sums(divisors[0].flatten(1), layout).view(-1, *kept[0].shape[1:], 1)
        modality = modality_sums(weights[0], blocks, layout, nodes.shape[2]) / torch.where(total == 0, 1.0, total)
        total = divisors[1].sum(1)[..., None]
        utterance = weights[1].transpose(1, 2) @ nodes / torch.where(total == 0, 1.0, total)
        spread = self._spread(layout)[..., None, None]
        received = modality.index_select(0, layout.conversations) + utterance[:, None]
        received = F.leaky_relu(torch.addcmul(self.bias, received, spread))
        return received if structure.complete else torch.where(there[..., None], received, 0.0)

    def _spread(self, layout: Layout) -> Tensor:
        """(N, M) or (1, M): what a node multiplies the sum of its two hyperedges by."""
        if not self.weights.by_position:
            return inverse(self.weights.edge[:-1] + self.weights.edge[-1])[None]
        if not layout.blocks:
            return self.weights.edge.new_zeros(0, self.weights.modalities)
        return from_blocks([w.spread().transpose(1, 2) for w in self.weights(layout)], layout)


def _of_other_nodes(kept: tuple[Tensor, Tensor], layout: Layout) -> Tensor:
    """(N, M, calls): for a node the weight of the incidence whose place in the batch is the number of the node.

    The list of incidences holds, conversation by conversation, those of modalities, one modality after the other, and
    then those of utterances.
    """
    count, modalities, calls = kept[0].shape
    lengths = torch.tensor(layout.lengths, dtype=torch.long, device=layout.device)
    starts = (modalities * (lengths.cumsum(0) - lengths))[layout.conversations, None]
    length, position = lengths[layout.conversations, None], layout.positions[:, None]
    which = torch.arange(modalities, device=layout.device)
    node = starts + which * length + position
    first = node + starts
    second = 2 * starts + modalities * (length + position) + which
    places = torch.cat([first.flatten(), second.flatten()])
    line = kept[0].new_zeros(2 * count * modalities, calls)
    line = line.index_copy(0, places, torch.cat([k.flatten(0, 1) for k in kept]))
    return line[node]
