"""Features disturbed during training, so that a model learns not to trust any of them too much."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Annotated

import torch
from torch import Tensor, nn

from crossspace.errors import UsageError
from crossspace.nn.dropout import Dropout
from crossspace.nn.missing import only
from crossspace.parts import Part, PartSpec


class Corruption(nn.Module):
    """Exchange rows at random, add Gaussian noise and drop features, during training only.

    Features that were fitted on the labels of the training split are cleaner there than anywhere else; a model that
    meets them undisturbed learns to trust them alone.

    Args:
        modalities: those there are.
        swap: ``{modality: probability}`` of a row being replaced by a random row of the batch.
        noise: ``{modality: standard deviation}`` of the noise, in units of the (standardised) features.
        dropout: on the features of every modality.
    """

    def __init__(
        self,
        modalities: Sequence[str],
        swap: dict[str, float] | None = None,
        noise: dict[str, float] | None = None,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.swap, self.noise = dict(swap or {}), dict(noise or {})
        unknown = sorted({*self.swap, *self.noise} - set(modalities))
        if unknown:
            raise UsageError(f"`swap` and `noise` are for the modalities {list(modalities)}. Found {unknown}.")
        # Comparisons that NaN fails too.
        if not all(0 <= p <= 1 for p in self.swap.values()) or not all(0 <= s < inf for s in self.noise.values()):
            raise UsageError(
                "`swap` should be probabilities from 0 to 1 and `noise` deviations of at least 0. Found "
                f"{self.swap} and {self.noise}."
            )
        self.dropout = Dropout(dropout)

    def forward(self, modality: str, rows: Tensor, present: Tensor | None = None) -> Tensor:
        """(N, D) features of ``modality`` to (N, D), zero where it is not ``present`` (N,)."""
        return self.dropout(only(self._disturbed(modality, rows, present), present))

    def _disturbed(self, modality: str, rows: Tensor, present: Tensor | None) -> Tensor:
        """A row is replaced only by one in which the modality is there."""
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


CORRUPTION = Part("corruption", {"": Corruption}, given=frozenset({"modalities"}))
CorruptionSpec = Annotated[PartSpec, CORRUPTION]
