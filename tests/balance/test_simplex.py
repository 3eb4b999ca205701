"""PGM's quadratic program: optimality, invariances, and every decision about degenerate gradients."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from crossspace.balance import ParetoGradientModulator, pareto_weights
from crossspace.balance.simplex import MERGE

GRADIENTS = st.tuples(st.integers(1, 6), st.sampled_from([2, 3, 5, 50]), st.integers(0, 10_000), st.floats(0, 6))


def drawn(case: tuple[int, int, int, float]) -> np.ndarray:
    """(K, D) gradients whose lengths differ by up to ``10 ** spread`` either way."""
    count, dimension, seed, spread = case
    random = np.random.default_rng(seed)
    gradients = random.normal(size=(count, dimension)) + random.normal(size=dimension) * random.choice([0, 1])
    return gradients * 10 ** random.uniform(-spread, spread, size=(count, 1))


def weights_of(gradients: np.ndarray) -> np.ndarray:
    return pareto_weights(torch.from_numpy(np.asarray(gradients, dtype=np.float64) @ np.transpose(gradients))).numpy()


def units_of(gradients: np.ndarray) -> np.ndarray:
    return gradients / np.linalg.norm(gradients, axis=1, keepdims=True)


def far_apart(gradients: np.ndarray) -> bool:
    """Whether no two count as one direction and share a weight, which is another point than the optimum."""
    cosines = units_of(gradients) @ units_of(gradients).T
    return bool((1 - cosines[~np.eye(len(cosines), dtype=bool)] > MERGE).all())


CLOSE = (5, 2, 1268, 0.0)
"""Two of these five directions are 0.07 degrees apart."""


def smallest_by_faces(cosines: np.ndarray) -> float:
    """The least ``gamma^T Q gamma`` over the simplex: the best of the affine optima of all faces that are feasible."""
    best = 1.0
    for size in range(1, len(cosines) + 1):
        for face in combinations(range(len(cosines)), size):
            part = cosines[np.ix_(face, face)]
            system = np.block([[part, np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
            gamma = np.linalg.lstsq(system, np.append(np.zeros(size), 1.0), rcond=1e-13)[0][:size]
            if gamma.min() >= -1e-9 and abs(gamma.sum() - 1) < 1e-9:
                best = min(best, gamma @ part @ gamma)
    return best


@given(GRADIENTS)
@settings(max_examples=150)
def test_weights_reach_the_optimum_of_face_enumeration(case: tuple[int, int, int, float]) -> None:
    gradients = drawn(case)
    assume(far_apart(gradients))
    cosines = units_of(gradients) @ units_of(gradients).T
    gamma = weights_of(gradients)
    assert gamma @ cosines @ gamma == pytest.approx(smallest_by_faces(cosines), abs=1e-9)


@given(GRADIENTS)
@settings(max_examples=150)
def test_weights_satisfy_the_conditions_of_optimality(case: tuple[int, int, int, float]) -> None:
    assume(far_apart(drawn(case)))
    units = units_of(drawn(case))
    gamma = weights_of(drawn(case))
    assert gamma.min() >= 0 and gamma.sum() == pytest.approx(1, abs=1e-12)
    direction = gamma @ units
    slack = units @ direction - direction @ direction
    assert slack.min() > -1e-7
    assert np.abs(slack[gamma > 1e-6]).max() < 1e-6


@given(GRADIENTS)
@example(CLOSE)
@settings(max_examples=60)
def test_directions_that_count_as_one_share_a_weight_and_cost_little(case: tuple[int, int, int, float]) -> None:
    gradients = drawn(case)
    cosines = units_of(gradients) @ units_of(gradients).T
    gamma = weights_of(gradients)
    # Moving weight between two directions moves the vector by at most the distance between them, for each pair.
    least, reached = (max(x, 0.0) ** 0.5 for x in (smallest_by_faces(cosines), gamma @ cosines @ gamma))
    assert reached <= least + len(gradients) * (2 * MERGE) ** 0.5 + 1e-6


def test_the_directions_of_the_example_are_close() -> None:
    assert not far_apart(drawn(CLOSE))
    gamma = weights_of(drawn(CLOSE))
    assert gamma[0] == gamma[2] == pytest.approx(0.25, abs=1e-6)


@given(st.integers(0, 100_000), st.sampled_from([2, 3, 5, 50]))
@settings(max_examples=100)
def test_of_three_none_gets_more_than_half(seed: int, dimension: int) -> None:
    assert weights_of(drawn((3, dimension, seed, 3.0))).max() <= 0.5


@given(GRADIENTS, st.randoms())
@settings(max_examples=60)
def test_order_of_the_objectives_does_not_matter(case: tuple[int, int, int, float], random: object) -> None:
    gradients = drawn(case)
    if case[0] > case[1]:
        return  # more objectives than dimensions: more than one optimum
    order = list(range(case[0]))
    random.shuffle(order)
    np.testing.assert_allclose(weights_of(gradients[order]), weights_of(gradients)[order], atol=1e-5)


@given(GRADIENTS, st.integers(0, 1000))
@settings(max_examples=60)
def test_scale_of_an_objective_does_not_matter(case: tuple[int, int, int, float], seed: int) -> None:
    gradients = drawn((case[0], case[1], case[2], 0.0))
    if case[0] > case[1]:
        return
    factors = 10 ** np.random.default_rng(seed).uniform(-3, 3, size=(case[0], 1))
    np.testing.assert_allclose(weights_of(gradients * factors), weights_of(gradients), atol=1e-5)


A, B, C = np.eye(3)
THREE_AT_120 = np.array([[1.0, 0], [-0.5, 3**0.5 / 2], [-0.5, -(3**0.5) / 2]])


@pytest.mark.parametrize(
    ("gradients", "expected"),
    [
        pytest.param([A, B, 0 * C], [0.5, 0.5, 0], id="a zero gradient is left out"),
        pytest.param([A, 5 * A, 0 * C], [0.5, 0.5, 0], id="a zero gradient beside parallel ones"),
        pytest.param([A, 0 * B, 0 * C], [1, 0, 0], id="two zero gradients"),
        pytest.param([0 * A, 0 * B, 0 * C], [1 / 3] * 3, id="all zero"),
        pytest.param([A, B, 1e-13 * C], [0.5, 0.5, 0], id="tiny against the longest counts as zero"),
        pytest.param([1e-20 * A, 1e-20 * B, 1e-20 * C], [1 / 3] * 3, id="all tiny are not zero"),
        pytest.param([A, B, 1e-9 * C], [1 / 3] * 3, id="short but not zero"),
        pytest.param([A, A, A], [1 / 3] * 3, id="all identical"),
        pytest.param([A, 7 * A, 0.1 * A], [1 / 3] * 3, id="parallel with different norms"),
        pytest.param([A, A, B], [0.25, 0.25, 0.5], id="two the same, one other"),
        pytest.param([A, B, B], [0.5, 0.25, 0.25], id="the other two the same"),
        pytest.param([A, A + 1e-5 * C, B], [0.25, 0.25, 0.5], id="two nearly the same are merged"),
        pytest.param([A, -A, B], [0.5, 0.5, 0], id="two opposite"),
        pytest.param([B, A, -3 * A], [0, 0.5, 0.5], id="two opposite, elsewhere"),
        pytest.param(THREE_AT_120, [1 / 3] * 3, id="120 degrees"),
        pytest.param([A, B, C], [1 / 3] * 3, id="orthogonal"),
        pytest.param([A + 10 * B, A - 10 * B, A], [0.5, 0.5, 0], id="obtuse: the middle one drops out"),
        pytest.param([A, 100 * B], [0.5, 0.5], id="two"),
        pytest.param([A, -B], [0.5, 0.5], id="two in conflict"),
        pytest.param([A, 0 * B], [1, 0], id="two, one zero"),
        pytest.param([0 * A], [1], id="one, zero"),
        pytest.param([A], [1], id="one"),
        pytest.param([A, B, C, 0 * A], [1 / 3, 1 / 3, 1 / 3, 0], id="four, one zero"),
        pytest.param([0 * A] * 4, [0.25] * 4, id="four, all zero"),
        pytest.param([A, A, 2 * A, B], [1 / 6, 1 / 6, 1 / 6, 0.5], id="four, three the same"),
        pytest.param([A, A, B, B, C], [1 / 6, 1 / 6, 1 / 6, 1 / 6, 1 / 3], id="five, two pairs"),
        pytest.param([A] * 5, [0.2] * 5, id="five identical"),
    ],
)
def test_degenerate_gradients_get_the_weights_that_were_decided(gradients: list, expected: list[float]) -> None:
    np.testing.assert_allclose(weights_of(np.array(gradients)), expected, atol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_gives_weights_that_are_not_finite(count: int, bad: float) -> None:
    gram = torch.eye(count, dtype=torch.float64)
    gram[-1, -1] = bad
    assert torch.isnan(pareto_weights(gram)).all()
    gram = torch.eye(count, dtype=torch.float64)
    gram[0, -1] = gram[-1, 0] = bad
    assert torch.isnan(pareto_weights(gram)).all()


def test_known_triangle_gets_its_circumcentre() -> None:
    """sin 2A : sin 2B : sin 2C for the angles 90, 60 and 30 degrees less: three points on a circle."""
    angles = np.deg2rad([0.0, 100.0, 230.0])
    gradients = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    inner = np.deg2rad([65.0, 65.0, 50.0])  # half of the opposite arcs: 130, 130, 100 degrees
    expected = np.sin(2 * inner) / np.sin(2 * inner).sum()
    np.testing.assert_allclose(weights_of(gradients), expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(2, 3), (3,), (0, 0)])
def test_what_is_no_square_matrix_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="square"):
        pareto_weights(torch.zeros(shape))


def test_multiplying_losses_may_ascend_an_objective_and_unit_steps_do_not() -> None:
    gradients = np.array([[100.0, 0.0], [-0.5, 3**0.5 / 2]])
    gram = torch.from_numpy(gradients @ gradients.T)
    losses = torch.ones(2)
    raw = ParetoGradientModulator(apply="losses").weights(losses, gram).numpy()
    np.testing.assert_allclose(raw, [0.5, 0.5])
    assert (raw @ gradients) @ gradients[1] == pytest.approx(-24.5)
    unit = ParetoGradientModulator(apply="unit").weights(losses, gram).numpy()
    assert ((unit @ gradients) @ gradients.T).min() > 0


@pytest.mark.parametrize("seed", range(5))
def test_unit_step_is_a_descent_direction_of_every_objective(seed: int) -> None:
    gradients = drawn((3, 5, seed, 2.0))
    gram = torch.from_numpy(gradients @ gradients.T)
    unit = ParetoGradientModulator(apply="unit").weights(torch.ones(3), gram).numpy()
    direction = unit @ gradients
    assert (units_of(gradients) @ direction).min() > -1e-9 * np.linalg.norm(direction)
    scale = np.linalg.norm(gradients, axis=1).mean()
    np.testing.assert_allclose(direction, scale * weights_of(gradients) @ units_of(gradients), rtol=1e-9)


def test_unit_step_is_that_of_imtl_g_while_all_weights_are_positive() -> None:
    found = 0
    for seed in range(30):
        gradients = drawn((3, 5, seed, 1.0))
        gamma = weights_of(gradients)
        if gamma.min() < 1e-3:
            continue
        found += 1
        units = units_of(gradients)
        differences, directions = gradients[0] - gradients[1:], units[0] - units[1:]
        rest = gradients[0] @ directions.T @ np.linalg.inv(differences @ directions.T)
        alpha = np.append(1 - rest.sum(), rest)
        gram = torch.from_numpy(gradients @ gradients.T)
        unit = ParetoGradientModulator(apply="unit").weights(torch.ones(3), gram).numpy()
        np.testing.assert_allclose(unit / unit.sum(), alpha, atol=1e-8)
    assert found >= 5


def test_unit_weights_of_a_zero_gradient_are_zero_and_finite() -> None:
    gram = torch.diag(torch.tensor([4.0, 0.0, 1.0], dtype=torch.float64))
    unit = ParetoGradientModulator(apply="unit").weights(torch.ones(3), gram)
    torch.testing.assert_close(unit, torch.tensor([0.375, 0.0, 0.75], dtype=torch.float64))
    nothing = ParetoGradientModulator(apply="unit").weights(torch.ones(3), torch.zeros(3, 3))
    assert torch.isfinite(nothing).all()
