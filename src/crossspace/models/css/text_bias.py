"""The gated bias that text adds to other modalities in the released code for MELD."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from crossspace.nn.linear import Linear


class TextBias(nn.Module):
    """``h^(m) + g * (B_m s)``, ``g = sigmoid(sigmoid(G_m s))``, for every modality m but the source s.

    No gradient flows through s.

    Args:
        width: d of the rows.
        source: the modality that speaks, ``text`` in the released code.
        modalities: all modalities.

    Note:
        The released code applies the sigmoid of the gate twice, which confines the gate to (0.5, 0.731). The paper has
        no such bias at all; what exists only in the released code is kept as it is there.
    """

    def __init__(self, width: int, source: str, modalities: Sequence[str]) -> None:
        super().__init__()
        self.source = source
        others = [m for m in modalities if m != source]
        self.bias = nn.ModuleDict({m: Linear(width, width) for m in others})
        self.gate = nn.ModuleDict({m: Linear(width, width) for m in others})

    def forward(self, rows: Mapping[str, Tensor], present: Tensor | None) -> dict[str, Tensor]:
        """``{m: (N, d)}`` to the same; where the source is not ``present`` (N,) nothing is added."""
        source = rows[self.source].detach()
        result = dict(rows)
        for m in self.bias:
            added = torch.sigmoid(torch.sigmoid(self.gate[m](source))) * self.bias[m](source)
            result[m] = rows[m] + (added if present is None else torch.where(present.unsqueeze(1), added, 0.0))
        return result
