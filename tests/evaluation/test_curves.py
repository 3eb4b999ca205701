"""Logged values of several seeds become one line."""

from __future__ import annotations

import numpy as np
import pytest

from crossspace.evaluation.curves import step_curves


def records(values: dict[int, list[float | None]]) -> list[dict]:
    return [{"seed": s, "step": i, "v": {"a": x}} for s, column in values.items() for i, x in enumerate(column)]


def test_mean_and_spread_are_taken_over_seeds() -> None:
    (curve,) = step_curves(records({0: [1.0, 2.0], 1: [3.0, 2.0]}), lambda r: r["v"])
    assert curve.mean.tolist() == [2.0, 2.0]
    assert curve.spread == pytest.approx([np.sqrt(2), 0])
    assert curve.window == 1


def test_a_long_run_is_averaged_in_windows() -> None:
    (curve,) = step_curves(records({0: list(range(1000))}), lambda r: r["v"], points=50)
    assert len(curve.x) == 50
    assert curve.window == 20
    assert curve.mean == pytest.approx(curve.x)


def test_a_seed_that_stopped_early_leaves_the_mean_to_the_others() -> None:
    (curve,) = step_curves(records({0: [1.0], 1: [3.0, 5.0]}), lambda r: r["v"])
    assert curve.mean.tolist() == [2.0, 5.0]
    assert curve.spread[1] == 0


def test_absent_and_infinite_values_are_skipped() -> None:
    assert step_curves(records({0: [None, float("nan")]}), lambda r: r["v"]) == []
    assert step_curves(records({0: [1.0]}), lambda r: r.get("weights")) == []
    (curve,) = step_curves(records({0: [1.0, float("inf"), 3.0]}), lambda r: r["v"])
    assert curve.x.tolist() == [0, 2]
