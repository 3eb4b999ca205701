"""Is one model better than another? Two questions, and a verdict that needs both answers.

*Would this difference come out with other conversations of the same kind and with other trainings?* The interval says.
*Given these trained models, could it come from which of the two happened to do well on which conversation?* The
permutation test says. Either alone is too sure of itself somewhere: the test knows nothing of other trainings, the
interval rests on a t distribution. Two models are told apart where both say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crossspace.errors import DataError
from crossspace.evaluation.confusion import ROUNDING, metrics_of
from crossspace.evaluation.moderation import moderated
from crossspace.evaluation.power import seeds_needed

LEVEL = 0.05
"""Chance of any false finding among the comparisons that are made together."""


@dataclass(frozen=True)
class Comparison:
    """A variant against a reference, in fractions.

    Attributes:
        difference: variant minus reference, each the mean over its seeds.
        standard_error: of the difference; None where it cannot be judged (a single conversation, or one seed and a
            difference that is the same whichever conversation is left out).
        freedom: degrees of freedom behind it.
        together: how many comparisons are made with this one.
        interval: all intervals of these comparisons hold the true difference together in 95 of 100 studies; None where
            there is no standard error.
        p_value: of the paired permutation test over conversations, two-sided.
        exact: whether every permutation was enumerated.
        p_holm: corrected for the comparisons made together; the same as ``p_value`` for a single one.
        seeds_needed: of each, to see half the difference, see :func:`~.power.seeds_needed`.
    """

    difference: float
    standard_error: float | None
    freedom: float | None
    together: int
    interval: tuple[float, float] | None
    p_value: float
    exact: bool
    p_holm: float
    seeds_needed: int | None

    @property
    def apart(self) -> bool:
        """Whether the difference can be told from none: the corrected p-value and the corrected interval say so."""
        excludes = self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]
        return excludes and self.p_holm < LEVEL


def compare(
    reference: NDArray[np.generic],
    variant: NDArray[np.generic],
    metric: str = "weighted_f1",
    *,
    permutations: int = 10_000,
    seed: int = 0,
) -> Comparison:
    """Compare two models on the same conversations.

    *The interval.* The variance of the difference has two parts: that between conversations, by the jackknife (the
    difference without each of them in turn; both models see the same ones), and that between the trainings of either
    model. A t distribution with the degrees of freedom of Welch and Satterthwaite answers for few conversations and few
    seeds, where resampling would be too sure. With one seed the second part is not known, and is left out.

    *The test.* Under its null hypothesis the two may change places within every conversation, all seeds together.

    Args:
        reference: (S, G, C, C) confusion counts by seed and conversation.
        variant: (S, G, C, C) of the other model, conversations in the same order.
        metric: one of :data:`~crossspace.evaluation.scores.METRICS`.
        permutations: of the test; where all 2^G are no more than that, every one is taken.
        seed: of their draws.

    Raises:
        DataError: the two were not scored on the same utterances, or have different numbers of seeds.
    """
    comparisons = compare_all(reference, {"variant": variant}, metric, permutations=permutations, seed=seed)
    return comparisons["variant"]


def compare_all(
    reference: NDArray[np.generic],
    variants: Mapping[str, NDArray[np.generic]],
    metric: str = "weighted_f1",
    *,
    permutations: int = 10_000,
    seed: int = 0,
) -> dict[str, Comparison]:
    """Every variant against the reference, as :func:`compare` does it, with two things that the company changes.

    Intervals are corrected for the number of comparisons after Bonferroni, which has intervals of a simple form,
    p-values after Holm. And the variances between trainings borrow from each other (:func:`~.moderation.moderated`),
    because a few seeds of one variant say little of its spread.
    """
    # Everything is checked before anything is worked out: permutation tests take their time.
    pairs = {name: _checked(reference, counts) for name, counts in variants.items()}
    values = {name: _by_seed(second, metric) for name, (_, second) in pairs.items()}
    if not pairs:
        return {}
    base = _by_seed(next(iter(pairs.values()))[0], metric)
    count = len(base)
    # The variance of a mean over seeds. A single seed says nothing of it, and the interval is then too narrow.
    spread = [x.var(ddof=1) / count if count > 1 else 0.0 for x in (base, *values.values())]
    # Together, the reference among them: this is where variances borrow from each other.
    (of_base, *of_variants), freedom = moderated(spread, count - 1)
    tests = {name: _permutation(first, second, metric, permutations, seed) for name, (first, second) in pairs.items()}
    # After all tests are done, since Holm orders the p-values of all of them.
    corrected = dict(zip(tests, holm([p for p, _ in tests.values()]), strict=True))
    comparisons = {}
    for (name, (first, second)), of_variant in zip(pairs.items(), of_variants, strict=True):
        difference = float(values[name].mean() - base.mean())
        parts = [_between_conversations(first, second, metric), (of_base, freedom), (of_variant, freedom)]
        error, degrees, interval = _interval(difference, parts, len(pairs), equal=np.array_equal(first, second))
        p_value, exact = tests[name]
        needed = seeds_needed(base, values[name])
        comparisons[name] = Comparison(
            difference, error, degrees, len(pairs), interval, p_value, exact, corrected[name], needed
        )
    return comparisons


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted so that the chance of any false finding stays at the level (Holm, 1979)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    steps = np.minimum(p[order] * np.arange(len(p), 0, -1), 1.0)
    adjusted = np.empty_like(p)
    # A p-value that is larger than one before it in the order stays larger after the correction.
    adjusted[order] = np.maximum.accumulate(steps)
    return [float(value) for value in adjusted]


def _interval(
    difference: float, parts: list[tuple[float, float]], together: int, equal: bool
) -> tuple[float | None, float | None, tuple[float, float] | None]:
    """Standard error, degrees of freedom and interval from variances that add up, each with its degrees of freedom."""
    variance = sum(part for part, _ in parts)
    # The very same predictions differ by 0, which is known exactly.
    if equal and variance < ROUNDING**2:
        return 0.0, None, (0.0, 0.0)
    # One conversation leaves nothing to leave out, and a variance of rounding errors would give a width of nothing.
    if not parts[0][1] or variance < ROUNDING**2:
        return None, None, None
    error = float(np.sqrt(variance))
    # Welch and Satterthwaite: between the smallest number of degrees and the sum of all.
    freedom = float(variance**2 / sum(part**2 / count for part, count in parts if part))
    reach = float(stats.t.isf(LEVEL / 2 / together, freedom)) * error
    return error, freedom, (difference - reach, difference + reach)


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
    # A conversation without a label says nothing, and would count as a unit of the jackknife.
    known = first.sum(axis=(0, 2, 3)) > 0
    return first[:, known], second[:, known]


def _between_conversations(first: NDArray[np.float64], second: NDArray[np.float64], metric: str) -> tuple[float, float]:
    """Variance of the difference that comes from the choice of conversations, and its degrees of freedom."""
    groups = first.shape[1]
    without = [metrics_of(cells.sum(1, keepdims=True) - cells)[metric].mean(0) for cells in (first, second)]
    left = without[1] - without[0]
    return float((groups - 1) / groups * ((left - left.mean()) ** 2).sum()), groups - 1


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
        # Conversations whose two models changed places bring their gain to the other side.
        moved = (np.moveaxis(one, axis, -1) >= groups).astype(np.float64) @ gain
        difference = value(totals[1] - moved) - value(totals[0] + moved)
        # Equal differences must be equal to the last digit, or the test does not count them as ties.
        return np.where(np.abs(difference) < ROUNDING, 0.0, difference)

    exact = groups < 60 and 2**groups <= permutations
    test = stats.permutation_test(
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
    return float(min(test.pvalue, 1.0)), exact
