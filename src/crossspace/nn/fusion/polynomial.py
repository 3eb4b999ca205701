"""Synergistic Polynomial Fusion (SPF): high-order interactions of the modalities at low rank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.errors import UsageError
from crossspace.nn.linear import Linear


class SynergisticPolynomialFusion(nn.Module):
    """Multiply p gated sums of projected modalities, take a signed root, and map back (paper, equations 7 to 10).

    For order j and modality m, ``z_j^(m) = GELU(W_j^(m) h^(m))``; then ``z_j = sum_m lambda_j^(m) z_j^(m) + w_j``,
    ``z = z_1 * ... * z_p``, and the result is ``W_o root(z) + b_o``.

    Args:
        width: d, features of each modality.
        modalities: names of the modalities, in the order of ``projection``.
        order: p, degree of the polynomial.
        rank: r, width of the product.
        out_width: features of the result.
        residual: add a linear map of the concatenated modalities. The released code does, the paper does not.
        root: ``continuous`` is ``sign(z) (sqrt(|z| + eps) - sqrt(eps))``, whose slope is bounded and which passes
            through zero; ``released`` is ``sign(z) sqrt(|z| + eps)``, which jumps there by ``2 sqrt(eps)``.
        eps: bounds the slope of the root at zero to ``1 / (2 sqrt(eps))``.
        gate_init: the free scalar behind every gate lambda = sigmoid(scalar).
        gelu: ``none`` for the exact GELU, ``tanh`` for the approximation of the released code.

    Attributes:
        projection: (M, p, r, d), W_j^(m) is ``projection[m, j]``.
        gate_logit: (p, M), lambda_j^(m) is ``sigmoid(gate_logit[j, m])``.
        anchor: (p, r), w_j.
        output: ``nn.Linear(r, out_width)``.

    Note:
        Equation 9 has an infinite slope at zero, where training meets it: hence ``root`` and ``eps``. Equation 10
        writes a softmax; this module and the classifiers return logits.
    """

    def __init__(
        self,
        width: int,
        modalities: Sequence[str],
        order: int,
        rank: int,
        out_width: int,
        residual: bool = False,
        root: Literal["continuous", "released"] = "continuous",
        eps: float = 1e-6,
        gate_init: float = 1.0,
        gelu: Literal["none", "tanh"] = "none",
    ) -> None:
        super().__init__()
        if order < 1 or rank < 1 or not modalities:
            raise UsageError(
                "Polynomial fusion needs order >= 1, rank >= 1 and at least one modality. "
                f"Found order={order}, rank={rank}, modalities={list(modalities)}."
            )
        if root not in ("continuous", "released"):
            raise UsageError(f"`root` should be 'continuous' or 'released'. Found {root!r}.")
        count = len(modalities)
        self.modalities = tuple(modalities)
        self.root, self.eps, self.gelu = root, eps, gelu
        self.projection = nn.Parameter(torch.empty(count, order, rank, width))
        self.gate_logit = nn.Parameter(torch.full((order, count), float(gate_init)))
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

    def forward(self, modalities: Mapping[str, Tensor], present: Mapping[str, Tensor] | None = None) -> Tensor:
        """Fuse.

        Args:
            modalities: ``{m: (N, width)}``, every modality of the constructor.
            present: ``{m: (N,)}`` bool; a modality is left out of the sums of the rows where it is False. A modality
                without an entry is present everywhere.

        Returns:
            (N, out_width). Where no modality is present, the product of the anchors alone speaks.
        """
        return self._fuse(self._masked(modalities, present))

    def _masked(self, modalities: Mapping[str, Tensor], present: Mapping[str, Tensor] | None) -> list[Tensor]:
        rows = []
        for name in self.modalities:
            if name not in modalities:
                raise UsageError(f"Fusion expects the modalities {list(self.modalities)}. Found {list(modalities)}.")
            row, here = modalities[name], (present or {}).get(name)
            # GELU(0) = 0 and a linear map of 0 is its bias alone: zero is "left out" for every term below.
            rows.append(row if here is None else torch.where(here.unsqueeze(1), row, 0.0))
        return rows

    def _fuse(self, rows: list[Tensor]) -> Tensor:
        order, rank = self.anchor.shape
        gates = torch.sigmoid(self.gate_logit)
        total = self.anchor.unsqueeze(0)
        for index, row in enumerate(rows):
            projected = F.linear(row, self.projection[index].flatten(0, 1)).unflatten(1, (order, rank))
            total = total + gates[:, index].unsqueeze(1) * F.gelu(projected, approximate=self.gelu)
        product = total[:, 0]
        for j in range(1, order):
            product = product * total[:, j]
        fused = self.output(self._signed_root(product))
        return fused if self.residual is None else fused + self.residual(torch.cat(rows, dim=1))

    def _signed_root(self, z: Tensor) -> Tensor:
        if self.root == "released":
            return torch.sign(z) * torch.sqrt(z.abs() + self.eps)
        # The same as sign(z) (sqrt(|z| + eps) - sqrt(eps)), without its cancellation and with its slope at zero.
        return z / (torch.sqrt(z.abs() + self.eps) + self.eps**0.5)
