"""A linear map of the concatenated modalities beside any fusion operator."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from crossspace.nn.fusion.base import Fusion
from crossspace.nn.linear import Linear


class LinearResidual(Fusion):
    """``operator(h) + V [h^(1); ...; h^(M)] + c``: what the released code of CSS adds to SPF, for every operator.

    Args:
        operator: the fusion operator, from ``width`` to ``out_width``.
        width: features of each modality.
        out_width: features of the result.

    Attributes:
        operator: as given.
        residual: ``Linear(M width, out_width)``.
    """

    def __init__(self, operator: Fusion, width: int, out_width: int) -> None:
        super().__init__(width, operator.modalities, out_width)
        self.operator = operator
        self.residual = Linear(len(self.modalities) * width, out_width)

    def fuse(self, rows: Sequence[Tensor], here: Sequence[Tensor | None]) -> Tensor:
        """The sum of both; zeros add nothing to the linear map."""
        return self.operator.fuse(rows, here) + self.residual(torch.cat(list(rows), dim=1))
