"""Learning rate as a fraction of its largest value, step by step."""

from __future__ import annotations

import math


def learning_rate_factor(schedule: str, step: int, total: int, warmup: float = 0.0) -> float:
    """The factor at ``step`` of ``total`` steps.

    Args:
        schedule: ``constant``, ``cosine`` or ``one-cycle``.
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
        return (step + 1) / (rise + 1)
    return _cosine(step - rise, total - rise) if schedule == "cosine" else 1.0


def _cosine(step: int, total: int) -> float:
    return (1 + math.cos(math.pi * min(1.0, step / max(1, total)))) / 2
