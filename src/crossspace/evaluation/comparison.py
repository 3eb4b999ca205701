"""Is one model better than another? Difference, interval and p-value that agree, and the seeds it would take to know.

One question is asked: *would this difference come out with other conversations of the same kind and with other
trainings?* The interval and the p-value are two ways to read one answer, so neither can say what the other denies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crossspace.errors import DataError
from crossspace.evaluation.confusion import metrics_of
from crossspace.evaluation.moderation import moderated

LEVEL = 0.05
"""Chance of any false finding among the comparisons that are made together."""
MOST_SEEDS = 100_000
"""Beyond this many seeds nobody counts."""
_ROUNDING = 1e-12
"""Differences of metrics closer than this come from the order of summation."""


@dataclass(frozen=True)
class Comparison:
    """A variant against a reference, in fractions.

    Attributes:
        difference: variant minus reference, each the mean over its seeds.
        standard_error: of the difference; None where it cannot be judged (a single conversation, or one seed and a
            difference that is the same whichever conversation is left out).
        freedom: degrees of freedom behind it.
        together: how many comparisons are made with this one.
        interval: all intervals of these comparisons hold the true difference together in 95 of 100 studies.
        p_value: two-sided, multiplied by ``together``; below 0.05 exactly where the interval excludes 0.
        seeds_needed: of each, to see half the difference, see :func:`seeds_needed`.
    """

    difference: float
    standard_error: float | None
    freedom: float | None
    together: int
    interval: tuple[float, float] | None
    p_value: float | None
    seeds_needed: int | None

    @property
    def apart(self) -> bool:
        """Whether the difference can be told from none."""
        return self.p_value is not None and self.p_value < LEVEL


def compare(reference: NDArray[np.generic], variant: NDArray[np.generic], metric: str = "weighted_f1") -> Comparison:
    """Compare two models on the same conversations.

    The variance of the difference has two parts: that between conversations, by the jackknife (the difference without
    each of them in turn; both models see the same ones), and that between the trainings of either model. A t
    distribution with the degrees of freedom of Welch and Satterthwaite answers for few conversations and few seeds,
    where resampling would be too sure. With one seed the second part is not known, and is left out.

    Args:
        reference: (S, G, C, C) confusion counts by seed and conversation.
        variant: (S, G, C, C) of the other model, conversations in the same order.
        metric: one of :data:`~crossspace.evaluation.scores.METRICS`.

    Raises:
        DataError: the two were not scored on the same utterances, or have different numbers of seeds.
    """
    return compare_all(reference, {"variant": variant}, metric)["variant"]


def compare_all(
    reference: NDArray[np.generic], variants: Mapping[str, NDArray[np.generic]], metric: str = "weighted_f1"
) -> dict[str, Comparison]:
    """Every variant against the reference, as :func:`compare` does it, with two things that the company changes.

    Intervals and p-values are corrected for the number of comparisons, both after Bonferroni: Holm's steps would be a
    little kinder to p-values, but have no intervals of this form, and an interval and a p-value that disagree help
    nobody. And the variances between trainings borrow from each other (:func:`~.moderation.moderated`), because a few
    seeds of one variant say little of its spread.
    """
    pairs = {name: _checked(reference, counts) for name, counts in variants.items()}
    values = {name: _by_seed(second, metric) for name, (_, second) in pairs.items()}
    if not pairs:
        return {}
    base = _by_seed(next(iter(pairs.values()))[0], metric)
    count = len(base)
    spread = [x.var(ddof=1) / count if count > 1 else 0.0 for x in (base, *values.values())]
    (of_base, *of_variants), freedom = moderated(spread, count - 1)
    return {
        name: _compared(
            difference=float(values[name].mean() - base.mean()),
            parts=[_between_conversations(*pairs[name], metric), (of_base, freedom), (of_variant, freedom)],
            together=len(pairs),
            needed=seeds_needed(base, values[name]),
            equal=np.array_equal(*pairs[name]),
        )
        for name, of_variant in zip(pairs, of_variants, strict=True)
    }


def _compared(
    difference: float, parts: list[tuple[float, float]], together: int, needed: int | None, equal: bool
) -> Comparison:
    """A comparison from the variances that add up to that of the difference, each with its degrees of freedom."""
    variance = sum(part for part, _ in parts)
    if equal and variance < _ROUNDING**2:
        return Comparison(0.0, 0.0, None, together, (0.0, 0.0), 1.0, needed)
    if not parts[0][1] or variance < _ROUNDING**2:
        return Comparison(difference, None, None, together, None, None, needed)
    error = float(np.sqrt(variance))
    freedom = float(variance**2 / sum(part**2 / count for part, count in parts if part))
    reach = float(stats.t.isf(LEVEL / 2 / together, freedom)) * error
    p = float(2 * stats.t.sf(abs(difference) / error, freedom))
    return Comparison(
        difference, error, freedom, together, (difference - reach, difference + reach), min(together * p, 1.0), needed
    )


def _by_seed(cells: NDArray[np.float64], metric: str) -> NDArray[np.float64]:
    return metrics_of(cells.sum(1))[metric]


def _checked(
    reference: NDArray[np.generic], variant: NDArray[np.generic]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The counts of both in the conversations that are labelled."""
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
    return first[:, known], second[:, known]


def _between_conversations(first: NDArray[np.float64], second: NDArray[np.float64], metric: str) -> tuple[float, float]:
    """Variance of the difference that comes from the choice of conversations, and its degrees of freedom."""
    groups = first.shape[1]
    without = [metrics_of(cells.sum(1, keepdims=True) - cells)[metric].mean(0) for cells in (first, second)]
    left = without[1] - without[0]
    return float((groups - 1) / groups * ((left - left.mean()) ** 2).sum()), groups - 1


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
