"""Low-rank multimodal fusion (LMF): tensor fusion whose weights are a short sum of outer products."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.bounds import check_counts
from crossspace.nn.fusion.base import Fusion, scaled_normal_, with_constant


class LowRankFusion(Fusion):
    """Multiply a linear map of each modality, and sum such products over the rank (Liu et al.).

    ``y = sum_i a_i prod_m (W_i^(m) [1; h^(m)]) + b``, the product elementwise. It is tensor fusion with weights
    ``sum_i a_i w_i^(1) (x) ... (x) w_i^(M)`` per output feature, without the tensor. For M modalities of width d, rank
    r and a result of width O it has ``M r (d + 1) O + r + O`` parameters.

    Args:
        width: features of each modality.
        modalities: their names, in order.
        out_width: features of the result.
        rank: r, how many products are summed.

    Attributes:
        factor: (M, r, out_width, width + 1), W_i^(m) is ``factor[m, i]``; column 0 multiplies the constant.
        rank_weight: (r,), a_i.
        bias: (out_width,), b.

    Note:
        The sum is weighted by learned a_i, as in the released code. That code draws the factors by Xavier's rule for
        the three-dimensional tensor, which makes products of several modalities vanish at first; here each W_i^(m) and
        the sum preserve variance. A missing modality is the row of its constant alone.
    """

    name = "low-rank"
    citation = "Liu et al., Efficient Low-rank Multimodal Fusion with Modality-Specific Factors, ACL 2018"

    def __init__(self, width: int, modalities: Sequence[str], out_width: int, *, rank: int = 16) -> None:
        super().__init__(width, modalities, out_width)
        check_counts(most=None, rank=rank)
        self.factor = nn.Parameter(torch.empty(len(self.modalities), rank, out_width, width + 1))
        self.rank_weight = nn.Parameter(torch.empty(rank))
        self.bias = nn.Parameter(torch.empty(out_width))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Factors and rank weights that preserve variance, zero bias."""
        scaled_normal_(self.factor)
        scaled_normal_(self.rank_weight)
        nn.init.zeros_(self.bias)

    def fuse(self, rows: Sequence[Tensor], here: Sequence[Tensor | None]) -> Tensor:
        """Project every modality to (N, r, out_width), multiply, and sum over the rank."""
        product: Tensor | None = None
        for factor, row in zip(self.factor, rows, strict=True):
            projected = F.linear(with_constant(row), factor.flatten(0, 1)).unflatten(1, factor.shape[:2])
            product = projected if product is None else product * projected
        assert product is not None
        return torch.einsum("nro,r->no", product, self.rank_weight) + self.bias
