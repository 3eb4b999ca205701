"""Variances of few values each, made steadier by what all of them together say of variances.

Three trainings tell the spread between trainings badly, but eight variants with three trainings each tell well what
spreads are usual. An empirical Bayes estimate (Smyth, 2004) weighs the two: where the variances of the variants differ
no more than chance would have it they are pooled, as in Dunnett's test; the more they differ, the more each stands for
itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

_MOST = 1e6
"""Degrees of freedom that are as good as infinitely many."""
_LEAST = 1e-4
"""A variance below this part of the mean is taken for it, since the logarithm of 0 would outweigh all others."""


def moderated(variances: ArrayLike, freedom: float) -> tuple[NDArray[np.float64], float]:
    """Steadier variances, and the degrees of freedom that each then has.

    Args:
        variances: (V,) sample variances, each with ``freedom`` degrees of freedom; with fewer than three, or when all
            are 0, they stay as they are.
        freedom: of each; 0 where a variance rests on a single value.
    """
    sample = np.asarray(variances, dtype=np.float64)
    pooled = float(sample.mean())
    # Of two variances nobody can tell how variances vary.
    if len(sample) < 3 or not freedom or pooled <= 0:
        return sample, freedom
    half = freedom / 2
    # Logarithms of variances are nearly normal around the usual one, apart from a known shift.
    logs = np.log(np.maximum(sample, _LEAST * pooled)) - digamma(half) + np.log(half)
    # What the variances differ by beyond what chance alone would have them differ.
    excess = float(logs.var(ddof=1) - polygamma(1, half))
    if excess <= polygamma(1, _MOST):
        # No more than chance: they are estimates of one variance.
        return np.full_like(sample, pooled), freedom * len(sample)
    # Trigamma has no inverse in closed form. Past the left end the variances have nothing in common.
    prior = 2 * float(brentq(lambda x: polygamma(1, x) - excess, 1e-3, _MOST)) if excess < polygamma(1, 1e-3) else 0.0
    if not prior:
        return sample, freedom
    usual = float(np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2)))
    return (prior * usual + freedom * sample) / (prior + freedom), min(prior + freedom, freedom * len(sample))
