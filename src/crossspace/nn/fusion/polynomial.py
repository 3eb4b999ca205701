"""Synergistic Polynomial Fusion (SPF): high-order interactions of the modalities at low rank."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.bounds import check_counts, check_positive
from crossspace.errors import UsageError
from crossspace.nn.fusion.base import Fusion
from crossspace.nn.fusion.root import signed_root
from crossspace.nn.linear import Linear


class SynergisticPolynomialFusion(Fusion):
    """Multiply p gated sums of projected modalities, take a signed root, and map back (paper, equations 7 to 10).

    For order j and modality m, ``z_j^(m) = GELU(W_j^(m) h^(m))``; then ``z_j = sum_m lambda_j^(m) z_j^(m) + w_j``,
    ``z = z_1 * ... * z_p``, and the result is ``W_o root(z) + b_o``. For M modalities of width d, order p, rank r and a
    result of width O it has ``p (M d r + r + M) + (r + 1) O`` parameters, and ``(M d + 1) O`` more with ``residual``.

    Args:
        width: d, features of each modality.
        modalities: names of the modalities, in the order of ``projection``.
        order: p, degree of the polynomial.
        rank: r, width of the product.
        out_width: features of the result; as many as each modality has if none.
        residual: add a linear map of the concatenated modalities. The released code does, the paper does not.
        root: ``continuous`` is ``sign(z) (sqrt(|z| + eps) - sqrt(eps))``, whose slope is bounded and which passes
            through zero; ``released`` is ``sign(z) sqrt(|z| + eps)``, which jumps there by ``2 sqrt(eps)``.
        eps: bounds the slope of the root at zero to ``1 / (2 sqrt(eps))``.
        gate_init: the free scalar behind every gate lambda = sigmoid(scalar).
        gelu: ``none`` for the exact GELU, ``tanh`` for the approximation of the released code.
        shared: one W_j for all modalities and no gates, lambda = 1: the paper's ablation "without modality-specific
            projection". ``gate_init`` then has no meaning.

    Attributes:
        projection: (M, p, r, d), W_j^(m) is ``projection[m, j]``; (1, p, r, d) where it is shared.
        gate_logit: (p, M), lambda_j^(m) is ``sigmoid(gate_logit[j, m])``; None where the projection is shared.
        anchor: (p, r), w_j.
        output: ``nn.Linear(r, out_width)``.

    Note:
        Equation 9 has an infinite slope at zero, where training meets it: hence ``root`` and ``eps``. Equation 10
        writes a softmax; this module and the classifiers return logits. A missing modality is left out of the sums;
        where none is present, the product of the anchors alone speaks.
    """

    name = "polynomial"
    citation = "Lyu et al., Cross-Space Synergy, AAAI 2026, doi:10.1609/aaai.v40i29.39602"

    def __init__(
        self,
        width: int,
        modalities: Sequence[str],
        order: int = 3,
        rank: int = 16,
        out_width: int | None = None,
        residual: bool = False,
        root: Literal["continuous", "released"] = "continuous",
        eps: float = 1e-6,
        gate_init: float = 1.0,
        gelu: Literal["none", "tanh"] = "none",
        shared: bool = False,
    ) -> None:
        out_width = width if out_width is None else out_width
        super().__init__(width, modalities, out_width)
        check_counts(order=order)
        check_counts(most=None, rank=rank)
        check_positive(eps=eps)
        if root not in ("continuous", "released"):
            raise UsageError(f"`root` should be 'continuous' or 'released'. Found {root!r}.")
        count = len(modalities)
        self.root, self.eps, self.gelu = root, eps, gelu
        self.projection = nn.Parameter(torch.empty(1 if shared else count, order, rank, width))
        self.gate_logit = None if shared else nn.Parameter(torch.full((order, count), float(gate_init)))
        self.anchor = nn.Parameter(torch.empty(order, rank))
        self.output = nn.Linear(rank, out_width)
        self.residual = Linear(count * width, out_width) if residual else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Xavier-normal matrices and anchors, zero output bias, as in the released code."""
        for matrix in self.projection.detach().flatten(0, 1):
            nn.init.xavier_normal_(matrix)
        for anchor in self.anchor.detach():
            nn.init.xavier_normal_(anchor.unsqueeze(0))
        nn.init.xavier_normal_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def fuse(self, rows: Sequence[Tensor], here: Sequence[Tensor | None]) -> Tensor:
        """Equations 7 to 10; GELU(0) = 0 and zero inside a linear map mean "left out" for every term."""
        order, rank = self.anchor.shape
        gates = None if self.gate_logit is None else torch.sigmoid(self.gate_logit)
        total = self.anchor.unsqueeze(0)
        for index, row in enumerate(rows):
            own = self.projection[0 if gates is None else index]
            projected = F.linear(row, own.flatten(0, 1)).unflatten(1, (order, rank))
            activated = F.gelu(projected, approximate=self.gelu)
            total = total + (activated if gates is None else gates[:, index].unsqueeze(1) * activated)
        product = total[:, 0]
        for j in range(1, order):
            product = product * total[:, j]
        fused = self.output(self._signed_root(product))
        return fused if self.residual is None else fused + self.residual(torch.cat(list(rows), dim=1))

    def _signed_root(self, z: Tensor) -> Tensor:
        if self.root == "released":
            return torch.sign(z) * torch.sqrt(z.abs() + self.eps)
        return signed_root(z, self.eps)
