"""Learning rate as a fraction of its largest value, step by step."""

from __future__ import annotations

import math
from typing import Any


def learning_rate_factor(schedule: str, step: int, total: int, warmup: float = 0.0) -> float:
    """The factor at ``step`` of ``total`` steps.

    Args:
        schedule: ``constant``, ``cosine`` or ``one-cycle``; ``plateau`` counts as constant, and :class:`Plateau` does
            the rest.
        step: 0, 1, ..., total - 1.
        total: all steps of the training.
        warmup: fraction of the steps in which the factor rises linearly; ``one-cycle`` rises for at least 30 % of them
            along a cosine from 1/25.
    """
    if schedule == "one-cycle":
        peak = max(1, round((warmup or 0.3) * total))
        if step < peak:
            return 0.04 + 0.96 * (1 - math.cos(math.pi * step / peak)) / 2
        return _cosine(step - peak, total - peak)
    rise = round(warmup * total)
    if step < rise:
        # The first step moves something already, and the last before the peak is below it.
        return (step + 1) / (rise + 1)
    return _cosine(step - rise, total - rise) if schedule == "cosine" else 1.0


def _cosine(step: int, total: int) -> float:
    return (1 + math.cos(math.pi * min(1.0, step / max(1, total)))) / 2


class Plateau:
    """A factor that falls whenever a value has not improved for some epochs.

    Args:
        factor: what it is multiplied by each time.
        patience: epochs in a row without improvement after which it falls, counted anew from there. PyTorch's
            ``ReduceLROnPlateau`` waits for one more than its patience.
        rising: whether a larger value is an improvement.
    """

    def __init__(self, factor: float, patience: int, rising: bool) -> None:
        self.factor, self.patience, self.sign = factor, patience, 1.0 if rising else -1.0
        self.best: float | None = None
        self.waited, self.falls = 0, 0

    @property
    def rate(self) -> float:
        """The factor now, at first 1."""
        return self.factor**self.falls

    def look(self, value: float) -> None:
        """Take note of the value of an epoch."""
        if self.best is None or self.sign * value > self.sign * self.best:
            self.best, self.waited = value, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.waited, self.falls = 0, self.falls + 1

    def state_dict(self) -> dict[str, Any]:
        """The best value, how long it has stood, and how often the factor fell."""
        return {"best": self.best, "waited": self.waited, "falls": self.falls}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self.best, self.waited, self.falls = state["best"], state["waited"], state["falls"]
