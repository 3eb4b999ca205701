"""Comparisons: the permutation test against a plain enumeration, Holm's correction by hand, known sample sizes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from crossspace.errors import DataError
from crossspace.evaluation.comparison import compare, compare_all, holm, seeds_needed


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
    found = compare(reference, variant, resamples=50)
    assert found.exact
    assert found.p_value == pytest.approx(enumerated(reference, variant), abs=1e-12)


def test_drawn_permutations_come_near_the_enumeration_and_are_not_called_exact() -> None:
    reference, variant = made(0), made(100, quality=1.5)
    found = compare(reference, variant, permutations=200, resamples=50)
    assert not found.exact
    assert found.p_value == pytest.approx(enumerated(reference, variant), abs=0.12)


def test_the_difference_is_that_of_the_means_over_seeds() -> None:
    reference, variant = made(3), made(4)
    means = [np.mean([weighted_f1(m) for m in counts.sum(1)]) for counts in (reference, variant)]
    assert compare(reference, variant, resamples=50).difference == pytest.approx(means[1] - means[0], abs=1e-12)


def test_a_model_does_not_differ_from_itself() -> None:
    for groups in (8, 40):
        counts = made(0, groups=groups)
        found = compare(counts, counts.copy(), resamples=200, permutations=500)
        assert (found.difference, found.p_value, found.p_holm, found.seeds_needed) == (0.0, 1.0, 1.0, None)
        assert found.interval is not None and found.interval[0] <= 0 <= found.interval[1]


@pytest.mark.parametrize("groups", [8, 40])
def test_swapping_the_two_turns_the_difference_round_and_keeps_the_p_value(groups: int) -> None:
    reference, variant = made(1, groups=groups), made(2, quality=2.0, groups=groups)
    there = compare(reference, variant, permutations=999)
    back = compare(variant, reference, permutations=999)
    assert back.difference == -there.difference
    assert back.p_value == there.p_value
    assert back.seeds_needed == there.seeds_needed
    width = there.interval[1] - there.interval[0]
    assert np.allclose((-back.interval[1], -back.interval[0]), there.interval, atol=0.1 * width)


def test_a_large_difference_is_found_and_its_interval_excludes_zero() -> None:
    found = compare(made(0, 0.2, seeds=3, groups=40), made(1, 8.0, seeds=3, groups=40), permutations=999)
    assert found.difference > 0.1 and found.interval[0] > 0 and found.p_value <= 0.002


def test_conversations_without_labels_change_nothing() -> None:
    reference, variant = made(0), made(1)
    empty = np.zeros((2, 3, 3, 3), dtype=np.int64)
    padded = [np.concatenate([counts, empty], axis=1) for counts in (reference, variant)]
    assert compare(*padded, resamples=100) == compare(reference, variant, resamples=100)


def test_a_single_conversation_gives_no_interval() -> None:
    found = compare(made(0, groups=1), made(1, groups=1))
    assert found.interval is None and found.p_value == 1.0 and found.exact


def test_a_single_seed_can_be_compared_but_says_nothing_of_seeds() -> None:
    found = compare(made(0, seeds=1), made(1, seeds=1), resamples=100)
    assert found.interval is not None and found.seeds_needed is None


def test_different_utterances_or_numbers_of_seeds_are_refused() -> None:
    counts = made(0)
    with pytest.raises(DataError, match="same utterances"):
        compare(counts, counts[:, :-1])
    with pytest.raises(DataError, match="same utterances"):
        compare(counts, counts[:, ::-1] + np.eye(3, dtype=np.int64))
    with pytest.raises(DataError, match="equally many seeds"):
        compare(counts, counts[:1])


def test_holm_is_the_step_down_of_a_worked_example() -> None:
    # 0.005 * 4 = 0.02; 0.01 * 3 = 0.03; 0.03 * 2 = 0.06; 0.04 * 1 = 0.04, raised to 0.06 by the one before.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.2]) == [0.2]
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_variants_compared_together_are_corrected_for_their_number() -> None:
    reference, variants = made(0), {"b": made(1, 2.0), "a": made(2, 1.2), "c": made(0)}
    found = compare_all(reference, variants)
    assert list(found) == ["b", "a", "c"]
    assert [c.p_holm for c in found.values()] == holm([c.p_value for c in found.values()])
    assert compare_all(reference, {}) == {}


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
