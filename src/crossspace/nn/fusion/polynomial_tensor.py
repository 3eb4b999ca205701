"""Polynomial tensor pooling (PTP): a polynomial of all modalities side by side, at low rank."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.bounds import check_counts, check_positive
from crossspace.nn.fusion.base import Fusion, reset_linear_, scaled_normal_, with_constant
from crossspace.nn.fusion.root import signed_root
from crossspace.nn.linear import Linear


class PolynomialTensorPooling(Fusion):
    """Multiply p linear maps of the concatenation, take a signed root, and map back (Hou et al.).

    ``f = [1; h^(1); ...; h^(M)]``, ``z = (W_1 f) * ... * (W_p f)``, and the result is ``W_o root(z) + b_o``. For M
    modalities of width d, order p, rank r and a result of width O it has ``p r (M d + 1) + (r + 1) O`` parameters.
    It is SPF without GELU and gates: the columns of W_j are SPF's projections, and that of the constant is w_j.

    Args:
        width: features of each modality.
        modalities: their names, in order.
        out_width: features of the result.
        order: p, degree of the polynomial.
        rank: r, width of the product.
        eps: keeps the slope of the root at zero finite.

    Attributes:
        factor: (p, r, M width + 1), W_j is ``factor[j]``; column 0 multiplies the constant.
        output: ``Linear(rank, out_width)``.

    Note:
        The released code shares one factor among the orders, gives every output feature factors of its own (p plays no
        role in its size, which is that of LMF), appends the constant 0.5, and raises to ``order + 1``. Here the
        factors are not shared, the output has one map, and the degree is ``order``, so that the operator can be set
        beside SPF at the same size. A missing modality adds nothing to any ``W_j f``.
    """

    name = "polynomial-tensor"
    citation = "Hou et al., Deep Multimodal Multilinear Fusion with High-order Polynomial Pooling, NeurIPS 2019"

    def __init__(
        self,
        width: int,
        modalities: Sequence[str],
        out_width: int,
        *,
        order: int = 3,
        rank: int = 16,
        eps: float = 1e-6,
    ) -> None:
        super().__init__(width, modalities, out_width)
        check_counts(order=order)
        check_counts(most=None, rank=rank)
        check_positive(eps=eps)
        self.eps = eps
        self.factor = nn.Parameter(torch.empty(order, rank, len(self.modalities) * width + 1))
        self.output = Linear(rank, out_width)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Factors and output map that preserve variance, zero output bias."""
        scaled_normal_(self.factor)
        reset_linear_(self.output)

    def fuse(self, rows: Sequence[Tensor], here: Sequence[Tensor | None]) -> Tensor:
        """All order factors in one product of matrices, then their elementwise product."""
        order, rank, _ = self.factor.shape
        mapped = F.linear(with_constant(torch.cat(list(rows), dim=1)), self.factor.flatten(0, 1))
        product, *others = mapped.unflatten(1, (order, rank)).unbind(dim=1)
        for other in others:
            product = product * other
        return self.output(signed_root(product, self.eps))
