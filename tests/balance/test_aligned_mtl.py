"""Aligned-MTL: singular values made equal, known answers, degenerate gradients, another library's weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.balance import AlignedMTL
from tests.balance.programs import CASES, PLAIN, same_for_every_order, weights_of

A, B, C = np.eye(3)


@given(PLAIN)
@settings(max_examples=50)
def test_the_step_is_the_mean_of_orthogonal_gradients_as_long_as_the_weakest_component(rows: np.ndarray) -> None:
    left, values, right = np.linalg.svd(rows, full_matrices=False)
    aligned = values[-1] * left @ right  # the nearest orthogonal rows, all of the least singular value
    np.testing.assert_allclose(weights_of(AlignedMTL(), rows) @ rows, aligned.mean(0), atol=1e-8)


@given(CASES)
@settings(max_examples=50)
def test_another_library_gives_the_same(rows: np.ndarray) -> None:
    rows = rows / np.sqrt((rows**2).sum(1).mean())
    gram = rows @ rows.T
    values = np.linalg.eigvalsh(gram)
    edge = values[-1] * len(gram) * np.finfo(float).eps
    if ((values > edge / 100) & (values < edge * 1e6)).any():
        return  # whether such an eigenvalue is zero is up to rounding, and the rest follows from it
    theirs = pytest.importorskip("torchjd.aggregation").AlignedMTLWeighting()(torch.from_numpy(gram)).numpy()
    np.testing.assert_allclose(weights_of(AlignedMTL(), rows) @ rows, theirs @ rows, atol=1e-6)


@given(PLAIN, st.integers(0, 99))
@settings(max_examples=30)
def test_order_of_the_objectives_does_not_matter(rows: np.ndarray, seed: int) -> None:
    same_for_every_order(AlignedMTL, rows, seed)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([5 * A], [1], id="one"),
        pytest.param([4 * A, 4 * B, 4 * C], [1 / 3] * 3, id="three alike"),
        pytest.param([A, 2 * B, 4 * C], [1 / 3, 1 / 6, 1 / 12], id="all as long as the shortest"),
        pytest.param(list(np.eye(8)), [1 / 8] * 8, id="eight alike"),
        pytest.param([A, A, A], [1 / 3] * 3, id="all the same"),
        pytest.param([A, -A], [0, 0], id="opposite"),
        pytest.param([A, 0 * B], [1, 0], id="a zero gradient is left out"),
        pytest.param([1e-12 * A, 2e-12 * B], [0.5, 0.25], id="all tiny"),
    ],
)
def test_known_answers(rows: list[np.ndarray], expected: list[float]) -> None:
    np.testing.assert_allclose(weights_of(AlignedMTL(), rows), expected, rtol=1e-6, atol=1e-9)
