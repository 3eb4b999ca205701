"""Is one model better than another? Difference, interval, permutation test, and the seeds it would take to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crossspace.errors import DataError
from crossspace.evaluation.bootstrap import interval_of, resampled
from crossspace.evaluation.confusion import metrics_of

MOST_SEEDS = 100_000
"""Beyond this many seeds nobody counts."""
_ROUNDING = 1e-12
"""Differences of metrics closer than this come from the order of summation."""


@dataclass(frozen=True)
class Comparison:
    """A variant against a reference, in fractions.

    Attributes:
        difference: variant minus reference, each the mean over its seeds.
        interval: 95 % bootstrap interval: conversations drawn once for both, seeds of each on their own; None where
            fewer than two conversations are labelled.
        p_value: of the paired permutation test over conversations, two-sided.
        exact: whether every permutation was enumerated.
        p_holm: corrected for the comparisons made together; the same as ``p_value`` for a single one.
        seeds_needed: of each, to see half the difference, see :func:`seeds_needed`.
    """

    difference: float
    interval: tuple[float, float] | None
    p_value: float
    exact: bool
    p_holm: float
    seeds_needed: int | None


def compare(
    reference: NDArray[np.generic],
    variant: NDArray[np.generic],
    metric: str = "weighted_f1",
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    permutations: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the same conversations.

    The interval asks what would come out with other conversations and other trainings. The permutation test asks
    less: given these trained models, could the difference come from which of the two happened to do well on which
    conversation? Under its null hypothesis the two may change places within every conversation, all seeds together.

    Args:
        reference: (S, G, C, C) confusion counts by seed and conversation.
        variant: (S', G, C, C) of the other model, conversations in the same order.
        metric: one of :data:`~crossspace.evaluation.scores.METRICS`.
        confidence: of the interval.
        resamples: of the bootstrap.
        permutations: of the test; where all 2^G are no more than that, every one is taken.
        seed: of the draws.

    Raises:
        DataError: the two were not scored on the same utterances, or have different numbers of seeds.
    """
    first, second = np.asarray(reference, np.float64), np.asarray(variant, np.float64)
    if first.shape[1:] != second.shape[1:] or not np.array_equal(first[0].sum(-1), second[0].sum(-1)):
        raise DataError(
            "Two models are compared on the same utterances. Found "
            f"{first.shape[1]} conversations with {first[0].sum():.0f} utterances and {second.shape[1]} with "
            f"{second[0].sum():.0f}, or other labels. Predict the same split with both."
        )
    if len(first) != len(second):
        raise DataError(
            f"Two models are compared with equally many seeds. Found {len(first)} and {len(second)}. Train the missing."
        )
    known = first.sum(axis=(0, 2, 3)) > 0
    first, second = first[:, known], second[:, known]
    values = [metrics_of(cells.sum(1))[metric] for cells in (first, second)]
    p_value, exact = _permutation(first, second, metric, permutations, seed)
    return Comparison(
        difference=float(values[1].mean() - values[0].mean()),
        interval=_interval(first, second, metric, confidence, resamples, seed),
        p_value=p_value,
        exact=exact,
        p_holm=p_value,
        seeds_needed=seeds_needed(values[0], values[1]),
    )


def compare_all(
    reference: NDArray[np.generic], variants: Mapping[str, NDArray[np.generic]], metric: str = "weighted_f1"
) -> dict[str, Comparison]:
    """Every variant against the reference, p-values corrected after Holm for their number."""
    found = {name: compare(reference, counts, metric) for name, counts in variants.items()}
    corrected = holm([one.p_value for one in found.values()])
    return {name: replace(one, p_holm=p) for (name, one), p in zip(found.items(), corrected, strict=True)}


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted so that the chance of any false finding stays at the level (Holm, 1979)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.minimum(p[order] * np.arange(len(p), 0, -1), 1.0)
    adjusted = np.empty_like(p)
    adjusted[order] = np.maximum.accumulate(steps)
    return [float(value) for value in adjusted]


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
    if min(len(first), len(second)) < 2 or half <= _ROUNDING:
        return None
    deviation = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    if deviation <= _ROUNDING:
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


def _interval(
    first: NDArray[np.float64],
    second: NDArray[np.float64],
    metric: str,
    confidence: float,
    resamples: int,
    seed: int,
) -> tuple[float, float] | None:
    groups, count = first.shape[1], len(first)
    if groups < 2:
        return None

    def statistic(conversations: NDArray[np.int64], *seeds: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
        one, other = seeds if seeds else (None, None)
        return resampled(second, conversations, other)[metric] - resampled(first, conversations, one)[metric]

    sizes = (groups, count, count) if count > 1 else (groups,)
    low, high = interval_of(statistic, sizes, confidence, resamples, seed)
    return float(low), float(high)


def _permutation(
    first: NDArray[np.float64], second: NDArray[np.float64], metric: str, permutations: int, seed: int
) -> tuple[float, bool]:
    """Two-sided p-value of the test that swaps the two models within conversations, and whether it is exact."""
    count, groups, classes, _ = first.shape
    if groups == 1:
        return 1.0, True  # either way round the difference is as large; SciPy refuses to enumerate the two
    gain = (second - first).transpose(1, 0, 2, 3).reshape(groups, -1)
    totals = first.sum(1).reshape(-1), second.sum(1).reshape(-1)

    def value(total: NDArray[np.float64]) -> NDArray[np.float64]:
        return metrics_of(total.reshape(*total.shape[:-1], count, classes, classes))[metric].mean(-1)

    def statistic(one: NDArray[np.int64], other: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
        moved = (np.moveaxis(one, axis, -1) >= groups).astype(np.float64) @ gain
        difference = value(totals[1] - moved) - value(totals[0] + moved)
        return np.where(np.abs(difference) < _ROUNDING, 0.0, difference)

    exact = groups < 60 and 2**groups <= permutations
    found = stats.permutation_test(
        (np.arange(groups), np.arange(groups, 2 * groups)),
        statistic,
        permutation_type="samples",
        n_resamples=permutations,
        vectorized=True,
        axis=-1,
        batch=1000,
        alternative="two-sided",
        rng=np.random.default_rng(seed),
    )
    return float(min(found.pvalue, 1.0)), exact
