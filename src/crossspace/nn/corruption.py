"""Features disturbed during training, so that a model learns not to trust any of them too much."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Corruption(nn.Module):
    """Exchange rows at random and add Gaussian noise, per modality and during training only.

    Features that were fitted on the labels of the training split are cleaner there than anywhere else; a model that
    meets them undisturbed learns to trust them alone.

    Args:
        swap: ``{modality: probability}`` of a row being replaced by a random row of the batch.
        noise: ``{modality: standard deviation}`` of the noise, in units of the (standardised) features.
    """

    def __init__(self, swap: Mapping[str, float] | None = None, noise: Mapping[str, float] | None = None) -> None:
        super().__init__()
        self.swap, self.noise = dict(swap or {}), dict(noise or {})

    def forward(self, modality: str, rows: Tensor, present: Tensor | None = None) -> Tensor:
        """(N, D) features of ``modality`` to (N, D); a row is replaced only by one in which it is ``present``."""
        swap, noise = self.swap.get(modality, 0.0), self.noise.get(modality, 0.0)
        if not self.training or not len(rows):
            return rows
        if swap > 0:
            other = torch.randint(len(rows), (len(rows),), device=rows.device)
            chosen = torch.rand(len(rows), device=rows.device) < swap
            if present is not None:
                chosen = chosen & present[other]
            rows = torch.where(chosen.unsqueeze(1), rows[other], rows)
        return rows + noise * torch.randn_like(rows) if noise > 0 else rows
