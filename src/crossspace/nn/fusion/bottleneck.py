"""Any fusion operator at an inner width of its own."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from crossspace.nn.fusion.base import Fusion, reset_linear_
from crossspace.nn.linear import Linear


class Bottleneck(Fusion):
    """Map every modality to an inner width, fuse there, and map the result back.

    ``W_up operator(W^(1) h^(1), ..., W^(M) h^(M)) + b``. Operators whose size explodes with the width, such as tensor
    fusion, become affordable, and all operators can be compared at the same number of parameters. Beside the operator
    there are ``M d w + (w + 1) O`` parameters for M modalities of width d, inner width w and a result of width O.

    Args:
        operator: the fusion operator, from ``inner_width`` to ``inner_width``.
        width: features of each modality.
        inner_width: features at which ``operator`` works.
        out_width: features of the result.

    Attributes:
        down: per modality, in order, a bias-free map to the inner width; zero, as what is missing is, stays zero.
        operator: as given.
        up: ``Linear(inner_width, out_width)``.
    """

    def __init__(self, operator: Fusion, width: int, inner_width: int, out_width: int) -> None:
        super().__init__(width, operator.modalities, out_width)
        self.down = nn.ModuleList(Linear(width, inner_width, bias=False) for _ in self.modalities)
        self.operator = operator
        self.up = Linear(inner_width, out_width)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Maps that preserve variance, zero bias; the operator stays as it is."""
        reset_linear_(self.down)
        reset_linear_(self.up)

    def fuse(self, rows: Sequence[Tensor], here: Sequence[Tensor | None]) -> Tensor:
        """Down, through the operator, up."""
        inner = [down(row) for down, row in zip(self.down, rows, strict=True)]
        return self.up(self.operator.fuse(inner, here))
