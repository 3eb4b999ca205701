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
        values: one factor of at least 0 per objective, in the order of the model's objectives, not all of them 0; 1 for
            each when not given.

    Raises:
        UsageError: a factor is below 0, or all are 0.
    """

    name = "fixed"
    needs = "losses"

    def __init__(self, values: Sequence[float] | None = None) -> None:
        self.values = None if values is None else tuple(float(v) for v in values)
        if self.values is not None and not (all(v >= 0 for v in self.values) and any(self.values)):
            raise UsageError(
                "`values` should be numbers of at least 0, one per objective, of which one is above 0: nothing is "
                f"learned by zeros alone, and an objective is made worse below. Found {list(self.values)}."
            )
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
