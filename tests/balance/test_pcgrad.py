"""PCGrad: known answers, its stream of orders, and the same numbers as another library from the same stream."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.balance import PCGrad
from tests.balance.programs import CASES, drawn, weights_of

A, B, C = np.eye(3)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([5 * A], [1], id="one"),
        # g_1 - (g_1.g_2 / |g_2|^2) g_2 = g_1 + g_2 / 2, and g_2 + g_1
        pytest.param([A, B - A], [2.0, 1.5], id="two in conflict"),
        pytest.param([A, A + B, C], [1, 1, 1], id="without conflict"),
        pytest.param([A, -2 * A], [3.0, 1.5], id="opposite: each takes the other back"),
        pytest.param([A] * 8, [1] * 8, id="eight the same"),
        pytest.param([A, 0 * B, C], [1, 0, 1], id="a zero gradient is left out"),
        pytest.param([1e-12 * A, 1e-12 * (B - A)], [2.0, 1.5], id="all tiny"),
    ],
)
def test_known_answers(rows: list[np.ndarray], expected: list[float]) -> None:
    np.testing.assert_allclose(weights_of(PCGrad(), rows), expected, rtol=1e-12)


@given(CASES, st.integers(0, 99))
@settings(max_examples=50)
def test_another_library_gives_the_same_from_the_same_random_numbers(rows: np.ndarray, seed: int) -> None:
    weighting = pytest.importorskip("torchjd.aggregation").PCGradWeighting()
    rows = rows / np.sqrt((rows**2).sum(1).mean())
    torch.manual_seed(seed)
    ours = weights_of(PCGrad(), rows)
    torch.manual_seed(seed)
    theirs = weighting(torch.from_numpy(rows @ rows.T)).numpy()
    # Rounding of a product that is zero may be a conflict to one and none to the other; the steps agree.
    tolerance = 1e-9 * max(1.0, float((theirs * np.linalg.norm(rows, axis=1)).max()))
    np.testing.assert_allclose(ours @ rows, theirs @ rows, atol=tolerance)


def test_an_epoch_that_is_repeated_draws_the_same_orders_and_leaves_dropout_alone() -> None:
    rows = drawn(5, 3, 0, 0.0, "any")
    found = []
    for noise in (0, 3):
        balancer = PCGrad()
        torch.manual_seed(7)
        balancer.begin_epoch(0)
        torch.manual_seed(7 + noise)  # dropout differs from process to process
        before = torch.get_rng_state()
        found.append(np.stack([weights_of(balancer, rows) for _ in range(6)]))
        assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(*found)
    assert len(np.unique(found[0], axis=0)) > 1
