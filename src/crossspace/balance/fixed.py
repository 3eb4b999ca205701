"""Fixed weights: the plain alternative to balancing."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.errors import UsageError


class FixedWeights(Balancer):
    """The same factor for every objective at every step.

    Args:
        values: one factor per objective, in the order of the model's objectives; 1 for each when not given.
    """

    name = "fixed"
    needs = "losses"

    def __init__(self, values: Sequence[float] | None = None) -> None:
        self.values = None if values is None else tuple(float(v) for v in values)
        self._factors: Tensor | None = None

    @property
    def about_weights(self) -> str:  # type: ignore[override]
        """What the weights are."""
        if self.values is None:
            return "The weights are fixed, 1 for each objective."
        return f"The weights are fixed, in the order of the objectives: {', '.join(f'{v:g}' for v in self.values)}."

    def on_device(self, objectives: int) -> bool:
        """Always."""
        return True

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) the fixed factors."""
        if self.values is None:
            return torch.ones(len(losses), dtype=torch.float64, device=losses.device)
        if len(self.values) != len(losses):
            raise UsageError(
                f"Fixed weights should be one per objective. Found {len(self.values)} for {len(losses)} objectives."
            )
        if self._factors is None or self._factors.device != losses.device:
            # Once: a copy to a device has no place in a recorded step.
            self._factors = torch.tensor(self.values, dtype=torch.float64, device=losses.device)
        return self._factors
