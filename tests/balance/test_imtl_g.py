"""IMTL-G: equal projections, known answers, degenerate gradients, and another library's weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.balance import IMTLG
from tests.balance.programs import PLAIN, same_for_every_order, weights_of

A, B, C = np.eye(3)


@given(PLAIN, st.floats(0, 9))
@settings(max_examples=50)
def test_projections_on_all_gradients_are_equal_however_long_they_are(rows: np.ndarray, spread: float) -> None:
    rows = rows * 10 ** np.linspace(-spread / 2, spread / 2, len(rows))[:, None]
    weights = weights_of(IMTLG(), rows)
    units = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    projections = units @ (weights @ rows)
    np.testing.assert_allclose(projections, projections.mean(), rtol=1e-6)
    assert weights.sum() == pytest.approx(1)


@given(PLAIN)
@settings(max_examples=30)
def test_another_library_gives_the_same(rows: np.ndarray) -> None:
    theirs = pytest.importorskip("torchjd.aggregation").IMTLGWeighting()(torch.from_numpy(rows @ rows.T)).numpy()
    np.testing.assert_allclose(weights_of(IMTLG(), rows), theirs, rtol=1e-6, atol=1e-8)


@given(PLAIN, st.integers(0, 99))
@settings(max_examples=30)
def test_order_of_the_objectives_does_not_matter(rows: np.ndarray, seed: int) -> None:
    same_for_every_order(IMTLG, rows, seed)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([5 * A], [1], id="one"),
        pytest.param([A, 3 * B], [0.75, 0.25], id="two at a right angle: one over the length"),
        pytest.param([A, B, C], [1 / 3] * 3, id="three alike"),
        pytest.param(list(np.eye(8)), [1 / 8] * 8, id="eight alike"),
        pytest.param([A, A, A], [1 / 3] * 3, id="all the same"),
        pytest.param([A, A, B], [0.25, 0.25, 0.5], id="two of three the same"),
        pytest.param([A, 2 * A], [1 / 3, 2 / 3], id="parallel: the pseudo-inverse decides"),
        pytest.param([A, -A], [0, 0], id="opposite: no step projects equally"),
        pytest.param([A, 0 * B], [1, 0], id="a zero gradient is left out"),
        pytest.param([1e-12 * A, 3e-12 * B], [0.75, 0.25], id="all tiny"),
        pytest.param([A, 1e-9 * B], [1e-9, 1], id="a short one is not lost to rounding"),
    ],
)
def test_known_answers(rows: list[np.ndarray], expected: list[float]) -> None:
    np.testing.assert_allclose(weights_of(IMTLG(), rows), expected, rtol=1e-6, atol=1e-12)
