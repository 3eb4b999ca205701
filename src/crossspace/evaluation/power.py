"""How many seeds would it take to see a difference?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crossspace.evaluation.confusion import ROUNDING

MOST_SEEDS = 100_000
"""Beyond this many seeds nobody counts."""


def seeds_needed(
    reference: Sequence[float] | NDArray[np.float64],
    variant: Sequence[float] | NDArray[np.float64],
    *,
    level: float = 0.05,
    power: float = 0.8,
) -> int | None:
    """How many seeds of each a two-sided t test would need to see half the observed difference.

    It takes the variances over these seeds for the true ones. None where there is no difference or no variance to
    judge by; at least 2 and at most 100,000.

    Args:
        reference, variant: the metric of every seed.
        level: of the test.
        power: chance of seeing a difference of that size.
    """
    first, second = np.asarray(reference, float), np.asarray(variant, float)
    half = abs(second.mean() - first.mean()) / 2
    if min(len(first), len(second)) < 2 or half <= ROUNDING:
        return None
    deviation = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    if deviation <= ROUNDING:
        return 2
    low, high = 2, MOST_SEEDS
    while low < high:  # power rises with the number of seeds
        middle = (low + high) // 2
        low, high = (low, middle) if _power(middle, half / deviation, level) >= power else (middle + 1, high)
    return low


def _power(count: int, effect: float, level: float) -> float:
    """Power of a two-sample t test with ``count`` values in each group, by the noncentral t distribution."""
    freedom, shift = 2 * count - 2, effect * np.sqrt(count / 2)
    if shift > 30:
        return 1.0
    critical = stats.t.ppf(1 - level / 2, freedom)
    wrong_side = stats.nct.cdf(-critical, freedom, shift) if shift < 5 else 0.0  # beyond it is nothing, or NaN in SciPy
    return float(stats.nct.sf(critical, freedom, shift) + wrong_side)
