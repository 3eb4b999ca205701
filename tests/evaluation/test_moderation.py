"""Moderated variances: pooled where they differ by chance, left alone where they truly differ or are few."""

from __future__ import annotations

import numpy as np
import pytest

from crossspace.evaluation.moderation import moderated


def drawn(true: np.ndarray, freedom: int, seed: int = 0) -> np.ndarray:
    return true * np.random.default_rng(seed).chisquare(freedom, len(true)) / freedom


def test_equal_spreads_are_pooled_and_give_nearly_all_degrees_of_freedom() -> None:
    found, freedom = moderated(drawn(np.full(200, 4.0), 3), 3)
    assert freedom > 30 and found == pytest.approx(np.full(200, 4.0), rel=0.35)


def test_spreads_that_differ_by_orders_of_magnitude_stand_for_themselves() -> None:
    true = 10.0 ** np.linspace(-4, 4, 60)
    variances = drawn(true, 8)
    found, freedom = moderated(variances, 8)
    assert freedom < 9 and found[30:] == pytest.approx(variances[30:], rel=0.2)


def test_moderation_comes_nearer_to_the_truth_than_the_variances_themselves() -> None:
    better = 0
    for seed in range(20):
        true = np.random.default_rng(1000 + seed).gamma(8, 1 / 8, 10)
        variances = drawn(true, 2, seed)
        found, _ = moderated(variances, 2)
        better += np.abs(np.log(found / true)).mean() < np.abs(np.log(variances / true)).mean()
    assert better >= 18


def test_the_order_and_the_unit_do_not_matter() -> None:
    variances = drawn(np.linspace(1, 5, 12), 2)
    found, freedom = moderated(variances, 2)
    scaled, same = moderated(1e-6 * variances[::-1], 2)
    assert same == pytest.approx(freedom) and 1e6 * scaled[::-1] == pytest.approx(found)


@pytest.mark.parametrize("variances", [[0.0, 0.0, 0.0, 0.0], [1.0, 2.0], [3.0]])
def test_nothing_is_borrowed_where_there_is_nothing_to_borrow(variances: list[float]) -> None:
    found, freedom = moderated(variances, 2)
    assert found.tolist() == variances and freedom == 2


def test_a_variant_without_spread_gets_some_of_that_of_the_others() -> None:
    found, freedom = moderated([0.0, 1.0, 1.1, 0.9, 1.2], 2)
    assert 0 < found[0] <= found[1:].min() and freedom >= 2 and np.isfinite(found).all()


def test_a_single_seed_has_no_spread_to_moderate() -> None:
    found, freedom = moderated(np.zeros(4), 0)
    assert found.tolist() == [0, 0, 0, 0] and freedom == 0
