"""How much each objective matters, as scalarisations take it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from crossspace.errors import UsageError


class Preference:
    """Factors of the objectives that sum to 1.

    Args:
        values: one positive number per objective; equal ones when not given.

    Raises:
        UsageError: a number is not positive.
    """

    def __init__(self, values: Sequence[float] | None = None) -> None:
        self.values = None if values is None else tuple(float(v) for v in values)
        if self.values is not None and not (self.values and all(0 < v < math.inf for v in self.values)):
            raise UsageError(f"`preference` should be positive numbers, one per objective. Found {list(self.values)}.")

    def of(self, losses: Tensor) -> Tensor:
        """(K,) float64 shares of (K,) ``losses``, on their device.

        Raises:
            UsageError: there are as many numbers as objectives.
        """
        if self.values is None:
            return torch.full((len(losses),), 1.0 / len(losses), dtype=torch.float64, device=losses.device)
        if len(self.values) != len(losses):
            raise UsageError(
                f"`preference` should be one number per objective. Found {len(self.values)} for {len(losses)} "
                "objectives."
            )
        total = sum(self.values)
        return torch.tensor([v / total for v in self.values], dtype=torch.float64, device=losses.device)
