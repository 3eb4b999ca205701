"""Multimodal factorised bilinear pooling (MFB): products of wide projections, pooled and brought to unit length."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crossspace.bounds import check_counts, check_positive
from crossspace.nn.dropout import Dropout
from crossspace.nn.fusion.base import Fusion, reset_linear_
from crossspace.nn.fusion.root import signed_root
from crossspace.nn.linear import Linear


class FactorizedBilinear(Fusion):
    """Multiply wide projections of the modalities, sum neighbours, take root and unit length, map (Yu et al.).

    ``z = Dropout(prod_m (U^(m) h^(m) + c^(m)))`` has k O features; each k neighbours are summed to one of O;
    ``z <- root(z)``, ``z <- z / |z|``, and the result is ``W z + b``. For M modalities of width d, k factors and a
    result of width O it has ``M (d + 1) k O + (O + 1) O`` parameters. With k = 1 it is close to low-rank bilinear
    pooling (MLB).

    Args:
        width: features of each modality.
        modalities: their names, in order.
        out_width: features of the result, and of what is pooled.
        factors: k, neighbours summed to one feature.
        dropout: on the product.
        eps: keeps the slopes of the root and of the division by the length finite.

    Attributes:
        projection: per modality, in order, a linear map to ``factors * out_width`` features.
        output: ``Linear(out_width, out_width)``.

    Note:
        The paper multiplies two modalities, question and image; the product of any number is its natural extension. It
        runs over the modalities that are present; where there are none it is the empty product, one. In the paper the
        last map is the classifier.
    """

    name = "factorized-bilinear"
    citation = "Yu et al., Multi-modal Factorized Bilinear Pooling with Co-Attention Learning for VQA, ICCV 2017"

    def __init__(
        self,
        width: int,
        modalities: Sequence[str],
        out_width: int,
        *,
        factors: int = 5,
        dropout: float = 0.1,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(width, modalities, out_width)
        check_counts(most=None, factors=factors)
        check_positive(eps=eps)
        self.factors, self.eps = factors, eps
        self.projection = nn.ModuleList(Linear(width, factors * out_width) for _ in self.modalities)
        self.dropout = Dropout(dropout)
        self.output = Linear(out_width, out_width)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Projections that preserve variance, zero biases; an output map of deviation 1, as its input has length 1."""
        reset_linear_(self.projection)
        nn.init.normal_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def fuse(self, rows: Sequence[Tensor], here: Sequence[Tensor | None]) -> Tensor:
        """Multiply over the present modalities, pool, normalise, map."""
        product: Tensor | None = None
        for projection, row, mask in zip(self.projection, rows, here, strict=True):
            projected = projection(row)
            if mask is not None:
                projected = torch.where(mask.unsqueeze(1), projected, 1.0)
            product = projected if product is None else product * projected
        assert product is not None
        pooled = signed_root(self.dropout(product).unflatten(1, (-1, self.factors)).sum(dim=2), self.eps)
        return self.output(pooled * (pooled.square().sum(dim=1, keepdim=True) + self.eps).rsqrt())
