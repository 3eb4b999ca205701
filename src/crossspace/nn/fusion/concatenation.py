"""Fusion by concatenation and one linear map: the plain alternative to SPF."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from crossspace.nn.fusion.base import Fusion


class Concatenation(Fusion):
    """Map the modalities side by side linearly.

    ``W [h^(1); ...; h^(M)] + b``, with a missing modality as zeros inside the sum that this is. For M modalities
    of width d and a result of width O it has ``(M d + 1) O`` parameters.

    Args:
        width: features of each modality.
        modalities: their names, in order.
        out_width: features of the result.
    """

    name = "concatenation"
    citation = "The ablation without SPF of Lyu et al., AAAI 2026"

    def __init__(self, width: int, modalities: Sequence[str], out_width: int) -> None:
        super().__init__(width, modalities, out_width)
        self.output = nn.Linear(len(self.modalities) * width, out_width)

    def fuse(self, rows: Sequence[Tensor], here: Sequence[Tensor | None]) -> Tensor:
        """One linear map; zeros add nothing to it."""
        return self.output(torch.cat(list(rows), dim=1))
