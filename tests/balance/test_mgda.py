"""MGDA: optimality, known answers, degenerate gradients, and the solver that it takes the place of."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.balance import MGDA
from tests.balance.programs import CASES, PLAIN, drawn, same_for_every_order, shortest_in_hull, weights_of

A, B, C = np.eye(3)


def tolerance_of(gamma: np.ndarray, rows: np.ndarray) -> float:
    """A length: a millionth of the shortest gradient, or what a Gram matrix cannot tell of long ones that cancel."""
    lengths = np.linalg.norm(rows, axis=1)
    return 1e-6 * lengths.min() + 1e-11 * (gamma * lengths).max() ** 2 / lengths.min()


@given(CASES)
@settings(max_examples=100)
def test_the_vector_is_in_the_hull_and_no_gradient_is_nearer_to_zero_along_it(rows: np.ndarray) -> None:
    gamma, lengths = weights_of(MGDA(), rows), np.linalg.norm(rows, axis=1)
    assert gamma.min() >= 0 and gamma.sum() == pytest.approx(1)
    step = gamma @ rows
    slack = (rows @ step - step @ step) / lengths
    tolerance = tolerance_of(gamma, rows)
    assert slack.min() > -tolerance
    assert np.abs(gamma * lengths * slack).max() < tolerance * lengths.min()


@given(CASES.filter(lambda rows: len(rows) < 8))
@settings(max_examples=50)
def test_it_is_as_short_as_the_best_of_all_faces(rows: np.ndarray) -> None:
    gamma, shortest = weights_of(MGDA(), rows), np.linalg.norm(rows, axis=1).min()
    best = shortest_in_hull(rows)
    assert (gamma @ rows) @ (gamma @ rows) <= best**2 + tolerance_of(gamma, rows) * shortest


@given(CASES, st.integers(0, 99))
@settings(max_examples=50)
def test_order_of_the_objectives_does_not_matter(rows: np.ndarray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(rows))
    gamma, moved = weights_of(MGDA(), rows), weights_of(MGDA(), rows[order])
    difference, shortest = gamma @ rows - moved @ rows[order], np.linalg.norm(rows, axis=1).min()
    # Of a minimum the place is known to the root of what the value is known to.
    assert difference @ difference <= 2 * tolerance_of(gamma, rows) * shortest


@given(PLAIN, st.integers(0, 99))
@settings(max_examples=30)
def test_order_of_weights_follows_that_of_the_objectives(rows: np.ndarray, seed: int) -> None:
    same_for_every_order(MGDA, rows, seed)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([5 * A], [1], id="one"),
        pytest.param([2 * A, B], [0.2, 0.8], id="two at a right angle"),
        pytest.param([A, 3 * A + B], [1, 0], id="the shorter one is the nearest point"),
        pytest.param([A, A], [0.5, 0.5], id="two the same"),
        pytest.param([A, 2 * A], [1, 0], id="parallel: the shorter one"),
        pytest.param([A, -3 * A], [0.75, 0.25], id="opposite"),
        pytest.param([A, 2 * B, 3 * C], np.array([36, 9, 4]) / 49, id="three at right angles: one over the square"),
        pytest.param([A, 0 * B, C], [0.5, 0, 0.5], id="a zero gradient is left out"),
        pytest.param([A, A, B], [0.25, 0.25, 0.5], id="two of three the same"),
        pytest.param([A, A, A], [1 / 3] * 3, id="three the same"),
        pytest.param([A, 1e-9 * B], [1e-18, 1], id="a short one has nearly all"),
        pytest.param([1e3 * A, 1e-6 * B, 2e-6 * C], [8e-19, 0.8, 0.2], id="two short ones beside a long one"),
        pytest.param([1e-12 * A, 2e-12 * B], [0.8, 0.2], id="all tiny"),
        pytest.param([A, B, C, A, B], [1 / 6, 1 / 6, 1 / 3, 1 / 6, 1 / 6], id="five, two pairs"),
        pytest.param([A, -A, B, -B, C, -C, A + B, -A - B], [1 / 7] * 6 + [1 / 14] * 2, id="eight around zero"),
        pytest.param([0 * A] * 3, [1 / 3] * 3, id="all zero"),
    ],
)
def test_known_answers(rows: list[np.ndarray], expected: list[float]) -> None:
    np.testing.assert_allclose(weights_of(MGDA(), rows), expected, rtol=1e-6, atol=1e-9)


def test_steps_of_frank_and_wolfe_come_near_to_it_and_are_never_shorter() -> None:
    weighting = pytest.importorskip("torchjd.aggregation").MGDAWeighting(1e-6, 5000)
    for seed in range(5):
        rows = drawn(3, 4, seed, 0.3, "any")
        theirs = weighting(torch.from_numpy(rows @ rows.T)).numpy()
        ours = weights_of(MGDA(), rows)
        assert np.linalg.norm(ours @ rows) <= np.linalg.norm(theirs @ rows) + 1e-12
        np.testing.assert_allclose(ours, theirs, atol=2e-2)
