"""Comparisons: interval by hand, permutations enumerated, Holm worked out, equal models seldom apart; sample sizes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from crossspace.errors import DataError
from crossspace.evaluation.comparison import compare, compare_all, holm
from crossspace.evaluation.power import seeds_needed


def made(seed: int, quality: float = 1.0, seeds: int = 2, groups: int = 8, classes: int = 3) -> np.ndarray:
    """(S, G, C, C) counts of a model; the truth of every conversation depends on the shape alone."""
    truth = np.random.default_rng(99).integers(2, 7, (groups, classes))
    rng = np.random.default_rng(seed)
    counts = np.zeros((seeds, groups, classes, classes), dtype=np.int64)
    for s, g, c in np.ndindex(seeds, groups, classes):
        ease = np.full(classes, 1.0)
        ease[c] += quality * rng.gamma(2)
        counts[s, g, c] = rng.multinomial(truth[g, c], ease / ease.sum())
    return counts


def weighted_f1(matrix: np.ndarray) -> float:
    """By the definition, one class after the other."""
    total = 0.0
    for c in range(len(matrix)):
        hits, support, chosen = matrix[c, c], matrix[c].sum(), matrix[:, c].sum()
        total += support * (2 * hits / (support + chosen) if support + chosen else 0.0)
    return total / matrix.sum()


def by_hand(reference: np.ndarray, variant: np.ndarray) -> tuple[float, float]:
    """Standard error and degrees of freedom, one conversation and one seed after the other."""
    groups, seeds = reference.shape[1], len(reference)
    without = []
    for g in range(groups):
        kept = [i for i in range(groups) if i != g]
        means = [np.mean([weighted_f1(m[kept].sum(0)) for m in counts]) for counts in (reference, variant)]
        without.append(means[1] - means[0])
    parts = [((groups - 1) / groups * np.sum((without - np.mean(without)) ** 2), groups - 1)]
    if seeds > 1:
        for counts in (reference, variant):
            parts.append((np.var([weighted_f1(m.sum(0)) for m in counts], ddof=1) / seeds, seeds - 1))
    total = sum(v for v, _ in parts)
    return float(np.sqrt(total)), float(total**2 / sum(v**2 / n for v, n in parts))


def enumerated(reference: np.ndarray, variant: np.ndarray) -> float:
    """Share of all ways to swap the two models within conversations whose difference is at least the observed one."""
    groups = reference.shape[1]

    def difference(swapped: tuple[bool, ...]) -> float:
        swap = np.array(swapped)[None, :, None, None]
        one, other = np.where(swap, variant, reference).sum(1), np.where(swap, reference, variant).sum(1)
        return float(np.mean([weighted_f1(m) for m in other]) - np.mean([weighted_f1(m) for m in one]))

    observed = abs(difference((False,) * groups))
    found = [abs(difference(s)) >= observed - 1e-12 for s in itertools.product((False, True), repeat=groups)]
    return sum(found) / len(found)


@pytest.mark.parametrize("seed", range(4))
def test_the_permutation_test_is_the_enumeration_of_all_swaps(seed: int) -> None:
    reference, variant = made(seed), made(100 + seed, quality=1.5)
    found = compare(reference, variant)
    assert found.exact
    assert found.p_value == pytest.approx(enumerated(reference, variant), abs=1e-12)


def test_drawn_permutations_come_near_the_enumeration_and_are_not_called_exact() -> None:
    reference, variant = made(0), made(100, quality=1.5)
    found = compare(reference, variant, permutations=200)
    assert not found.exact
    assert found.p_value == pytest.approx(enumerated(reference, variant), abs=0.12)


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_variances_of_conversations_and_of_either_models_seeds_are_added(seeds: int) -> None:
    reference, variant = made(1, seeds=seeds), made(2, quality=2.0, seeds=seeds)
    found = compare(reference, variant)
    error, freedom = by_hand(reference, variant)
    assert (found.standard_error, found.freedom) == (pytest.approx(error), pytest.approx(freedom))
    reach = stats.t.ppf(0.975, freedom) * error
    assert found.interval == pytest.approx((found.difference - reach, found.difference + reach))


@pytest.mark.parametrize("together", [1, 3, 8])
def test_two_are_told_apart_where_both_corrected_answers_say_so(together: int) -> None:
    seen = set()
    for seed in range(8):
        variants = {str(i): made(100 + 20 * seed + i, quality=1.0 + seed, groups=14) for i in range(together)}
        for found in compare_all(made(seed, groups=14), variants, permutations=2000).values():
            excludes = found.interval[0] > 0 or found.interval[1] < 0
            assert found.apart == (excludes and found.p_holm < 0.05)
            seen.add((excludes, found.p_holm < 0.05))
    assert {(True, True), (False, False)} <= seen


def test_models_that_are_equal_are_seldom_found_to_differ_however_many_are_compared() -> None:
    studies, wrong = 60, 0
    for study in range(studies):
        counts = {str(i): shaken(10 * study + i) for i in range(6)}
        wrong += any(c.apart for c in compare_all(counts.pop("0"), counts, permutations=200).values())
    assert wrong <= 8  # 5 % would be 3; more than 8 has a chance of 0.4 %


def shaken(seed: int) -> np.ndarray:
    """A model of one kind whose trainings turn out better or worse as a whole."""
    return np.concatenate([made(1000 * seed + s, np.exp(0.2 * s % 0.5), seeds=1, groups=12) for s in range(3)])


def test_the_difference_is_that_of_the_means_over_seeds() -> None:
    reference, variant = made(3), made(4)
    means = [np.mean([weighted_f1(m) for m in counts.sum(1)]) for counts in (reference, variant)]
    assert compare(reference, variant).difference == pytest.approx(means[1] - means[0], abs=1e-12)


def test_a_model_does_not_differ_from_itself() -> None:
    for groups, seeds in ((8, 2), (40, 1)):
        counts = made(0, groups=groups, seeds=seeds)
        found = compare(counts, counts.copy())
        assert (found.difference, found.p_value, found.seeds_needed, found.apart) == (0.0, 1.0, None, False)
        assert found.interval is not None and found.interval[0] <= 0 <= found.interval[1]


def test_swapping_the_two_turns_everything_round() -> None:
    reference, variant = made(1), made(2, quality=2.0)
    there, back = compare(reference, variant), compare(variant, reference)
    assert (back.difference, back.p_value) == (-there.difference, there.p_value)
    assert (-back.interval[1], -back.interval[0]) == pytest.approx(there.interval)
    assert back.seeds_needed == there.seeds_needed


def test_a_large_difference_is_found() -> None:
    found = compare(made(0, 0.2, seeds=3, groups=40), made(1, 8.0, seeds=3, groups=40))
    assert found.difference > 0.1 and found.interval[0] > 0 and found.p_value <= 0.002


def test_trainings_that_scatter_make_the_interval_wider() -> None:
    steady = made(5, seeds=1, groups=30)
    best, worst = made(6, 4.0, seeds=1, groups=30), made(7, 0.5, seeds=1, groups=30)
    narrow = compare(np.repeat(steady, 2, 0), np.repeat(best, 2, 0))
    wide = compare(np.repeat(steady, 2, 0), np.concatenate([best, worst]))
    assert np.diff(wide.interval) > 2 * np.diff(narrow.interval)


def test_conversations_without_labels_change_nothing() -> None:
    reference, variant = made(0), made(1)
    empty = np.zeros((2, 3, 3, 3), dtype=np.int64)
    padded = [np.concatenate([counts, empty], axis=1) for counts in (reference, variant)]
    assert compare(*padded) == compare(reference, variant)


def test_a_single_conversation_decides_nothing() -> None:
    found = compare(made(0, groups=1), made(1, groups=1))
    assert (found.interval, found.p_value, found.standard_error, found.apart) == (None, 1.0, None, False)


def test_a_single_seed_can_be_compared_but_says_nothing_of_seeds() -> None:
    found = compare(made(0, seeds=1), made(1, seeds=1))
    assert found.interval is not None and found.freedom == 7 and found.seeds_needed is None


def test_different_utterances_or_numbers_of_seeds_are_refused() -> None:
    counts = made(0)
    with pytest.raises(DataError, match="same utterances"):
        compare(counts, counts[:, :-1])
    with pytest.raises(DataError, match="same utterances"):
        compare(counts, counts[:, ::-1] + np.eye(3, dtype=np.int64))
    with pytest.raises(DataError, match="equally many seeds"):
        compare(counts, counts[:1])


def test_variants_compared_together_are_corrected_for_their_number() -> None:
    reference = made(0, seeds=1)
    variants = {"b": made(1, 2.0, seeds=1), "a": made(2, 1.2, seeds=1), "c": made(0, seeds=1)}
    found = compare_all(reference, variants)
    assert list(found) == ["b", "a", "c"]
    assert [c.p_holm for c in found.values()] == holm([c.p_value for c in found.values()])
    for name, corrected in found.items():
        alone = compare(reference, variants[name])
        assert corrected.together == 3 and corrected.p_value == alone.p_value == alone.p_holm
        reach = np.diff(corrected.interval)[0] / 2
        expected = stats.t.isf(0.05 / 2 / 3, alone.freedom) * alone.standard_error if name != "c" else 0.0
        assert reach == pytest.approx(expected)
    assert compare_all(reference, {}) == {}


def test_holm_is_the_step_down_of_a_worked_example() -> None:
    # 0.005 * 4 = 0.02; 0.01 * 3 = 0.03; 0.03 * 2 = 0.06; 0.04 * 1 = 0.04, raised to 0.06 by the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.2]) == [0.2]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_few_seeds_borrow_what_spreads_are_usual_from_the_other_variants() -> None:
    reference, variants = made(0, groups=20), {str(i): made(i + 1, groups=20) for i in range(9)}
    alone = [compare(reference, counts).interval for counts in variants.values()]
    together = [found.interval for found in compare_all(reference, variants).values()]
    assert np.median(np.diff(together)) < 2 * np.median(np.diff(alone))  # though corrected for nine


def spread_of_one(mean: float) -> np.ndarray:
    """Six values with exactly this mean and a sample standard deviation of 1."""
    values = np.array([-2.0, -1.0, 0.0, 0.0, 1.0, 2.0])
    return mean + values / values.std(ddof=1)


def test_half_a_deviation_takes_the_64_of_the_textbook() -> None:
    # The difference is 1, the effect asked for is half of it: d = 0.5 at 80 % power and 5 %, two-sided.
    assert seeds_needed(spread_of_one(0.0), spread_of_one(1.0)) == 64
    assert seeds_needed(spread_of_one(0.0), spread_of_one(-1.0)) == 64
    assert seeds_needed(spread_of_one(0.0), spread_of_one(1.0), power=0.9) == 86


def test_smaller_effects_need_more_seeds() -> None:
    needed = [seeds_needed(spread_of_one(0.0), spread_of_one(d)) for d in np.geomspace(0.01, 200, 40)]
    assert needed == sorted(needed, reverse=True)
    assert needed[0] == 100_000 and needed[-1] in (2, 3)


def test_seeds_cannot_be_counted_without_a_difference_or_without_a_spread() -> None:
    assert seeds_needed([0.5], [0.9]) is None
    assert seeds_needed([0.5, 0.7], [0.6, 0.6]) is None
    assert seeds_needed([0.5, 0.5], [0.6, 0.6]) == 2
