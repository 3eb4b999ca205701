"""Oscillation: known answers, and what must not change it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from crossspace.evaluation.oscillation import oscillation


def test_a_straight_line_does_not_oscillate_however_steep() -> None:
    for slope in (0.0, -0.01, -3.0, 7.0):
        assert oscillation(500 + slope * np.arange(50)) == pytest.approx(0, abs=1e-10)


def test_an_alternating_loss_is_known_by_hand() -> None:
    # Between 1 and 3: the middle of the neighbours is 2 away at every inner step, the mean is 2.
    assert oscillation([1, 3, 1, 3, 1, 3]) == pytest.approx(100.0)
    # Inner distances 0.5, 1.5, 1; their mean is 1; the mean of the losses is 2.
    assert oscillation([1.0, 2.0, 2.0, 5.0, 0.0]) == pytest.approx(100 * np.mean([0.5, 1.5, 4.0]) / 2)


def test_units_do_not_matter() -> None:
    loss = np.random.default_rng(0).random(200) + 1
    assert oscillation(1000 * loss) == pytest.approx(oscillation(loss))


def test_a_slope_about_the_same_mean_does_not_matter() -> None:
    loss, steps = np.random.default_rng(0).random(201) + 3, np.arange(201) - 100
    assert oscillation(loss + 0.01 * steps) == pytest.approx(oscillation(loss))


def test_too_few_steps_have_no_oscillation() -> None:
    for short in ([], [1.0], [1.0, 2.0], [0.0, 0.0, 0.0]):
        assert math.isnan(oscillation(short))
