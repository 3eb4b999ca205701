"""CAGrad: optimality by duality, known answers, degenerate gradients, and two slow solvers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.balance import CAGrad
from tests.balance.programs import CASES, PLAIN, drawn, same_for_every_order, weights_of

A, B, C = np.eye(3)
RADII = st.sampled_from([0.0, 0.01, 0.4, 0.9, 1.0, 3.0])


def least_gain(mixture: np.ndarray, rows: np.ndarray, c: float) -> float:
    """The dual: no step within the radius gains more than this for all objectives."""
    mean, mixed = rows.mean(0), mixture @ rows
    return float(mixed @ mean + c * np.linalg.norm(mean) * np.linalg.norm(mixed))


@given(CASES, RADII)
@settings(max_examples=150)
def test_the_worst_off_gains_what_the_dual_bounds_it_by(rows: np.ndarray, c: float) -> None:
    rows = rows / np.sqrt((rows**2).sum(1).mean())
    weights = weights_of(CAGrad(c), rows)
    mean = rows.mean(0)
    length = np.linalg.norm(mean)
    if c == 0:
        np.testing.assert_array_equal(weights, np.full(len(rows), 1 / len(rows)))
        return
    if not weights.any():  # no direction helps all
        return
    step = weights @ rows
    assert np.linalg.norm(step - mean) == pytest.approx(c * length, rel=1e-6, abs=1e-12)
    assert weights.min() >= 1 / len(rows) - 1e-12
    mixture = weights - 1 / len(rows)
    bound = least_gain(mixture / mixture.sum(), rows, c)
    gains = rows @ step
    lengths = np.linalg.norm(rows, axis=1)
    # What the gains fall short of the bound, in the unit of every gradient: the primal and the dual meet.
    assert ((gains - bound) / lengths).min() > -1e-6 * max(1.0, c) * length


@given(PLAIN, RADII, st.integers(0, 99))
@settings(max_examples=50)
def test_order_of_the_objectives_does_not_matter(rows: np.ndarray, c: float, seed: int) -> None:
    same_for_every_order(lambda: CAGrad(c), rows, seed)


@given(PLAIN)
@settings(max_examples=25)
def test_the_released_way_to_solve_it_finds_nothing_better(rows: np.ndarray) -> None:
    weights = weights_of(CAGrad(0.5), rows)
    mixture = (weights - 1 / len(rows)) / (weights - 1 / len(rows)).sum()
    simplex = {"type": "eq", "fun": lambda w: w.sum() - 1}
    start = np.full(len(rows), 1 / len(rows))
    slsqp = scipy.optimize.minimize(
        least_gain, start, (rows, 0.5), bounds=[(0, 1)] * len(rows), constraints=simplex, options={"ftol": 1e-12}
    )
    assert least_gain(mixture, rows, 0.5) <= slsqp.fun + 1e-9 * abs(slsqp.fun)
    np.testing.assert_allclose(mixture, slsqp.x, atol=1e-3)


@pytest.mark.parametrize(
    ("rows", "c", "expected"),
    [
        pytest.param([5 * A], 0.5, [1.5], id="one: the mean and half of it"),
        pytest.param([A, B], 0.5, [0.75, 0.75], id="two alike: as far along the mean as may be"),
        pytest.param([A, B, C], 0.3, [1.3 / 3] * 3, id="three alike"),
        pytest.param([A, A, A], 0.5, [0.5] * 3, id="all the same"),
        pytest.param([A, 9 * A], 0.5, [3.0, 0.5], id="parallel: all that is added goes along the shorter one"),
        pytest.param([A, -A], 0.5, [0, 0], id="opposite: no direction helps both"),
        pytest.param([A, -A, B], 0.5, [0, 0, 0], id="two opposite, one other"),
        pytest.param([A, 0 * B], 0.5, [1.5, 0], id="a zero gradient is left out"),
        pytest.param([1e-12 * A, 1e-12 * B], 0.5, [0.75, 0.75], id="all tiny"),
        pytest.param([A, B, C, A, B, C, A, B], 0.0, [1 / 8] * 8, id="eight, no radius"),
        pytest.param(list(np.eye(8)), 1.0, [2 / 8] * 8, id="eight alike"),
    ],
)
def test_known_answers(rows: list[np.ndarray], c: float, expected: list[float]) -> None:
    np.testing.assert_allclose(weights_of(CAGrad(c), rows), expected, rtol=1e-6, atol=1e-9)


def test_two_of_unlike_length_at_a_right_angle_gain_the_same() -> None:
    """g_0 = (1/2, 1) and d on the circle of radius c |g_0| with d_1 = 2 d_2: a quadratic equation."""
    rows, c = np.array([[1.0, 0.0], [0.0, 2.0]]), 2.0
    step = weights_of(CAGrad(c), rows) @ rows
    # |(2 y - 1/2, y - 1)|^2 = c^2 5/4
    y = (4 + np.sqrt(16 - 20 * (1.25 - c**2 * 1.25))) / 10
    np.testing.assert_allclose(step, [2 * y, y], rtol=1e-9)


def test_the_cone_solver_of_another_library_is_met_to_its_own_precision() -> None:
    pytest.importorskip("cvxpy")
    weighting = pytest.importorskip("torchjd.aggregation").CAGradWeighting(0.5)
    for count in (2, 3, 5):
        for seed in range(4):
            rows = drawn(count, 6, seed, 0.2, "any")
            rows = rows / np.sqrt((rows**2).sum(1).mean())
            theirs = weighting(torch.from_numpy(rows @ rows.T)).numpy()
            ours = weights_of(CAGrad(0.5), rows)
            np.testing.assert_allclose(ours @ rows, theirs @ rows, atol=1e-3)
            assert (rows @ (ours @ rows)).min() >= (rows @ (theirs @ rows)).min() - 1e-6
