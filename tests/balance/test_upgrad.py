"""UPGrad and the projection behind it: optimality, known answers, degenerate gradients, a slow solver."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.balance import UPGrad
from crossspace.balance.dual_cone import project_on_dual_cone
from tests.balance.programs import CASES, PLAIN, drawn, faces, same_for_every_order, weights_of

A, B, C = np.eye(3)


def projection_by_faces(mixture: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """The best of all that raise some weights until their gradients are harmed no more."""
    found = [mixture]
    for face in map(list, faces(len(gram))):
        raised = mixture.copy()
        raised[face] -= np.linalg.lstsq(gram[np.ix_(face, face)], gram[face] @ mixture, rcond=1e-12)[0]
        found.append(raised)
    sound = [v for v in found if (v - mixture).min() > -1e-9 and (gram @ v).min() > -1e-9]
    return min(sound, key=lambda v: float(v @ gram @ v))


@given(CASES)
@settings(max_examples=100)
def test_projections_satisfy_the_conditions_of_optimality(rows: np.ndarray) -> None:
    lengths = np.linalg.norm(rows, axis=1)
    mixtures = np.eye(len(rows)) / len(rows)
    found = project_on_dual_cone(mixtures, rows @ rows.T)
    for u, v in zip(mixtures, found, strict=True):
        raised, harm = (v - u) * lengths, rows @ (v @ rows) / lengths
        tolerance = 1e-6 * np.abs(v * lengths).max()
        assert raised.min() >= 0 and harm.min() > -tolerance
        assert np.abs(raised * harm).max() < tolerance * np.abs(v * lengths).max()


@given(PLAIN)
@settings(max_examples=50)
def test_projections_are_those_of_face_enumeration(rows: np.ndarray) -> None:
    gram = rows @ rows.T
    mixtures = np.eye(len(rows)) / len(rows)
    expected = [projection_by_faces(u, gram) for u in mixtures]
    np.testing.assert_allclose(project_on_dual_cone(mixtures, gram), expected, atol=1e-7)


@given(PLAIN)
@settings(max_examples=30)
def test_the_weights_are_those_of_another_library_with_this_projection(rows: np.ndarray) -> None:
    aggregation = pytest.importorskip("torchjd.aggregation")

    def projector(mixtures: torch.Tensor, gram: torch.Tensor) -> torch.Tensor:
        return torch.stack([torch.from_numpy(projection_by_faces(u, gram.numpy())) for u in mixtures.numpy()])

    theirs = aggregation.UPGradWeighting(projector=projector)(torch.from_numpy(rows @ rows.T)).numpy()
    np.testing.assert_allclose(weights_of(UPGrad(), rows), theirs, atol=1e-7)


@given(CASES)
@settings(max_examples=50)
def test_the_step_conflicts_with_nobody(rows: np.ndarray) -> None:
    weights, lengths = weights_of(UPGrad(), rows), np.linalg.norm(rows, axis=1)
    assert (rows @ (weights @ rows) / lengths).min() > -1e-6 * (weights * lengths).max()


@given(PLAIN, st.integers(0, 99))
@settings(max_examples=30)
def test_order_of_the_objectives_does_not_matter(rows: np.ndarray, seed: int) -> None:
    same_for_every_order(UPGrad, rows, seed)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([5 * A], [1], id="one"),
        pytest.param([A, B, A + B], [1 / 3] * 3, id="without conflict the mean"),
        pytest.param(list(np.eye(8)), [1 / 8] * 8, id="eight without conflict"),
        pytest.param([A, B - A], [1.0, 0.75], id="two in conflict"),
        pytest.param([A, A, A], [1 / 3] * 3, id="all the same"),
        pytest.param([A, -A], [1, 1], id="opposite: each takes the other back"),
        pytest.param([A, -2 * A], [1.5, 0.75], id="opposite and longer"),
        pytest.param([A, 0 * B, C], [0.5, 0, 0.5], id="a zero gradient is left out"),
        pytest.param([1e-12 * A, 1e-12 * (B - A)], [1.0, 0.75], id="all tiny"),
    ],
)
def test_known_answers(rows: list[np.ndarray], expected: list[float]) -> None:
    np.testing.assert_allclose(weights_of(UPGrad(), rows), expected, rtol=1e-6, atol=1e-9)


def test_a_short_gradient_beside_a_long_one_is_not_lost_to_rounding() -> None:
    """A multiple of the two vectors: weights are in inverse proportion to it, the step is the same."""
    rows = drawn(2, 3, 1, 0.0, "opposite") + 0.1
    scaled = rows * np.array([[1.0], [1e-9]])
    u, v = (project_on_dual_cone(np.array([m]), r @ r.T)[0] for m, r in (([0.5, 0.0], rows), ([0.5, 0.0], scaled)))
    np.testing.assert_allclose(v @ scaled, u @ rows, rtol=1e-6, atol=1e-9)
