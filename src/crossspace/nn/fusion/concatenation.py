"""Fusion by concatenation and one linear map: the plain alternative to SPF."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn


class Concatenation(nn.Module):
    """``W [h^(1); ...; h^(M)] + b``, with a missing modality as zeros inside the sum that this is.

    Args:
        width: features of each modality.
        modalities: their names, in order.
        out_width: features of the result.
    """

    def __init__(self, width: int, modalities: Sequence[str], out_width: int) -> None:
        super().__init__()
        self.modalities = tuple(modalities)
        self.output = nn.Linear(len(self.modalities) * width, out_width)

    def forward(self, modalities: Mapping[str, Tensor], present: Mapping[str, Tensor] | None = None) -> Tensor:
        """``{m: (N, width)}`` to (N, out_width); a modality adds nothing to the rows where it is not present."""
        present = present or {}
        rows = [
            modalities[m] if m not in present else torch.where(present[m].unsqueeze(1), modalities[m], 0.0)
            for m in self.modalities
        ]
        return self.output(torch.cat(rows, dim=1))
