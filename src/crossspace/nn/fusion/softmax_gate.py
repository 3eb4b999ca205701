"""The softmax gate of SDT: a weighted mean of the modalities, feature by feature."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from crossspace.nn.fusion.base import Fusion, reset_linear_
from crossspace.nn.linear import Linear


class SoftmaxGate(Fusion):
    """Weigh the modalities per feature by a softmax over those that are present (Ma et al.; what SPF replaces).

    With one matrix W for all modalities, ``g^(m) = softmax_m(W h^(m))`` and the result is
    ``sum_m g^(m) * h^(m)``. It has ``d^2`` parameters for modalities of width d, and ``(d + 1) O`` more where the
    result has another width O.

    Args:
        width: features of each modality.
        modalities: their names, in order.
        out_width: features of the result; other than ``width``, a linear map follows.

    Attributes:
        gate: the bias-free W.
        output: the linear map to ``out_width``, or None.

    Note:
        SDT fuses three modalities that are always there. Here one that is missing has weight zero and the others share
        its part; where none is present the mean is zero. With a single modality every weight is one and W learns
        nothing.
    """

    name = "softmax-gate"
    citation = "Ma et al., A Transformer-based Model with Self-distillation for Multimodal ERC, IEEE TMM 2024"

    def __init__(self, width: int, modalities: Sequence[str], out_width: int) -> None:
        super().__init__(width, modalities, out_width)
        self.gate = Linear(width, width, bias=False)
        self.output = Linear(width, out_width) if out_width != width else None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Matrices that preserve variance, zero bias."""
        reset_linear_(self.gate)
        if self.output is not None:
            reset_linear_(self.output)

    def fuse(self, rows: Sequence[Tensor], here: Sequence[Tensor | None]) -> Tensor:
        """Softmax over the present modalities, then their mean under it."""
        scores = []
        for row, mask in zip(rows, here, strict=True):
            score = self.gate(row)
            # Finite, unlike minus infinity, so that a row without any modality stays a number: a mean of zeros.
            lowest = torch.finfo(score.dtype).min
            scores.append(score if mask is None else torch.where(mask.unsqueeze(1), score, lowest))
        weights = torch.stack(scores).softmax(dim=0)
        fused = (weights * torch.stack(list(rows))).sum(dim=0)
        return fused if self.output is None else self.output(fused)
