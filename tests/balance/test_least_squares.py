"""The solver that balancers share: which of several solutions, and what it makes of odd numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.balance.least_squares import cosines_of, nearest_combination, root_of, shortest_combination
from tests.balance.programs import CASES


@given(CASES)
@settings(max_examples=50)
def test_columns_of_the_root_have_the_cosines_as_inner_products(rows: np.ndarray) -> None:
    cosines, lengths = cosines_of(rows @ rows.T)
    np.testing.assert_allclose(lengths, np.linalg.norm(rows, axis=1))
    root = root_of(cosines)
    np.testing.assert_allclose(root.T @ root, cosines, atol=1e-12)


@given(CASES, st.integers(0, 99))
@settings(max_examples=50)
def test_a_combination_is_nearest_where_no_entry_can_move(rows: np.ndarray, seed: int) -> None:
    columns = root_of(cosines_of(rows @ rows.T)[0])
    target = np.random.default_rng(seed).normal(size=len(columns))
    x = nearest_combination(columns, target)
    slope = columns.T @ (columns @ x - target)
    assert x.min() >= 0 and slope.min() > -1e-6
    assert np.abs(slope[x > 0]).max(initial=0.0) < 1e-6


def test_of_equally_good_combinations_it_is_the_shortest() -> None:
    columns = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    np.testing.assert_allclose(nearest_combination(columns, np.array([0.0, 3.0, -1.0])), [1, 1, 1, 0], rtol=1e-9)


@pytest.mark.parametrize("gains", [[0.0, 0.0], [-1.0, 0.0], [-1.0, -2.0]])
def test_without_a_gain_there_is_no_combination(gains: list[float]) -> None:
    assert not shortest_combination(np.eye(2), np.array(gains)).any()
