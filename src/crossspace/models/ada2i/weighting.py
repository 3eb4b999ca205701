"""How every modality's features are weighed by the other modalities, and what mapping networks miss by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Layout
from crossspace.nn.graph import conversation_means, conversation_sums, spread
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.objectives.base import Objective, Part, present_rows
from crossspace.output import Output

MAPPING = "mapping"
"""Name of what the mapping networks miss by, one column per modality."""


class MappingLoss(Objective):
    """How far mapping networks are from what feature weighting made: a mean over all numbers, summed over layers.

    Args:
        width: H, numbers in a row.
    """

    name = MAPPING

    def __init__(self, width: int) -> None:
        self.width = width

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """A single part, ``mapping``."""
        missed = output.extras[MAPPING]
        rows = torch.stack([present_rows(batch, m) for m in sorted(output.unimodal)], dim=1)
        total = torch.where(rows, missed, 0.0).sum()
        return {self.name: Part(total, (rows.sum() * self.width).to(total.dtype))}


class FeatureWeighting(nn.Module):
    """Adaptive feature weighting: every modality weighs its features by what the others hold of the conversation.

    Two products of two linear maps each make a matrix of every row; the matrix is multiplied by the mean matrices of
    the conversation in all other modalities, and what comes out, as a vector, is mapped to factors of the features.

    Args:
        modalities: in the order in which their matrices are multiplied.
        width: H of the rows.
        rank: R, the matrices are R x R.
        beta: share of the rows that is kept as it is.

    Note:
        Means are over the utterances that have the modality; one that nobody in the conversation has is left out of the
        product. The released code takes them over padding too.
    """

    def __init__(self, modalities: Sequence[str], width: int, rank: int, beta: float) -> None:
        super().__init__()
        self.rank, self.beta = rank, beta
        self.maps = nn.ModuleDict({m: Linear(width, 4 * rank) for m in modalities})
        self.factors = nn.ModuleDict({m: Linear(rank * rank, width) for m in modalities})
        self.mapping = nn.ModuleDict({m: Linear(width, width) for m in modalities})

    def forward(
        self, rows: Mapping[str, Tensor], present: Mapping[str, Tensor | None], layout: Layout
    ) -> tuple[dict[str, Tensor], Tensor]:
        """``{m: (N, H)}`` to the weighted rows, and (N, M) by how much the mapping network of each misses them."""
        matrices = {m: self._matrices(m, x) for m, x in rows.items()}
        means = {m: self._means(x, present[m], layout) for m, x in matrices.items()}
        weighted, missed = {}, []
        for m, x in rows.items():
            product = matrices[m]
            for other in rows:
                if other != m:
                    product = product @ spread(means[other], layout).unflatten(1, (self.rank, self.rank))
            weighted[m] = only(self.factors[m](product.flatten(1)) * x + self.beta * x, present[m])
            difference = only(self.mapping[m](x), present[m]) - weighted[m]
            missed.append(difference.abs().sum(1))
        return weighted, torch.stack(missed, dim=1)

    def _matrices(self, modality: str, rows: Tensor) -> Tensor:
        """(N, R, R) ``(q1 x)(q2 x)^T`` times, entry by entry, ``(k1 x)(k2 x)^T``."""
        q1, q2, k1, k2 = self.maps[modality](rows).split(self.rank, dim=1)
        # The product of two outer products is the outer product of two products.
        return (q1 * k1).unsqueeze(2) * (q2 * k2).unsqueeze(1)

    def _means(self, matrices: Tensor, present: Tensor | None, layout: Layout) -> Tensor:
        """(B, R * R) means over each conversation, the unit matrix where nobody has the modality."""
        flat = matrices.flatten(1)
        means = conversation_means(only(flat, present), layout, None if present is None else present)
        if present is None:
            return means
        there = conversation_sums(present.to(flat.dtype).unsqueeze(1), layout) > 0
        unit = torch.eye(self.rank, dtype=flat.dtype, device=flat.device).flatten()
        return torch.where(there, means, unit)
