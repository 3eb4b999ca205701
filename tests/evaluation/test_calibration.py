"""Calibration against answers that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from crossspace.errors import DataError
from crossspace.evaluation.calibration import (
    at_temperature,
    brier_score,
    fitted_temperature,
    reliability,
    unsure_below,
)


@pytest.mark.parametrize("binning", ["equal-mass", "equal-width"])
def test_calibration_error_of_one_confidence_is_its_gap_to_accuracy(binning) -> None:
    curve = reliability(np.full(10, 0.8), [1] * 6 + [0] * 4, binning=binning)
    assert curve.ece == pytest.approx(0.2)
    assert curve.count.tolist() == [10]


@pytest.mark.parametrize("binning", ["equal-mass", "equal-width"])
def test_calibration_error_of_two_levels_is_the_weighted_mean_of_gaps(binning) -> None:
    confidence = [0.55] * 30 + [0.95] * 10
    correct = [1] * 12 + [0] * 18 + [1] * 10
    assert reliability(confidence, correct, bins=10, binning=binning).ece == pytest.approx(0.75 * 0.15 + 0.25 * 0.05)


def test_honest_confidence_has_almost_no_error_and_overconfidence_has_its_excess() -> None:
    rng = np.random.default_rng(0)
    p = rng.uniform(0.3, 0.9, 40_000)
    correct = rng.random(40_000) < p
    assert reliability(p, correct).ece < 0.01
    assert reliability(p + 0.1, correct).ece == pytest.approx(0.1, abs=0.01)


def test_equal_mass_bins_hold_equally_many_and_do_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(1)
    p, correct = rng.random(1000), rng.random(1000) < 0.5
    curve, order = reliability(p, correct), rng.permutation(1000)
    assert curve.count.tolist() == [100] * 10
    shuffled = reliability(p[order], correct[order])
    assert shuffled.accuracy.tolist() == curve.accuracy.tolist()


def test_equal_confidences_share_a_bin() -> None:
    curve = reliability([1.0] * 90 + [0.5] * 10, [1] * 100)
    assert curve.count.sum() == 100
    assert 90 in curve.count


def test_brier_score_is_zero_for_certainty_and_two_for_certain_error() -> None:
    assert brier_score([[1, 0], [0, 1]], [0, 1]) == 0
    assert brier_score([[1, 0], [0, 1]], [1, 0]) == 2
    assert brier_score([[0.5, 0.5]], [0]) == pytest.approx(0.5)


@pytest.mark.parametrize(("confidence", "correct"), [([], []), ([1.5], [1]), ([float("nan")], [1]), ([0.5], [1, 0])])
def test_impossible_confidences_are_refused(confidence: list[float], correct: list[int]) -> None:
    with pytest.raises(DataError, match="between 0 and 1"):
        reliability(confidence, correct)


def test_a_temperature_makes_the_truth_as_probable_as_it_can_be_and_is_found_again() -> None:
    rng = np.random.default_rng(2)
    honest = rng.dirichlet(np.ones(4) * 0.7, 20_000)
    truth = (honest.cumsum(1) < rng.random((len(honest), 1))).sum(1)
    # What is thrice too sure of itself has logits thrice as large.
    overconfident = at_temperature(honest, 1 / 3)
    assert fitted_temperature(honest, truth) == pytest.approx(1, abs=0.03)
    assert fitted_temperature(overconfident, truth) == pytest.approx(3, rel=0.03)
    assert (overconfident.argmax(1) == honest.argmax(1)).all()
    np.testing.assert_allclose(at_temperature(overconfident, 3), honest, atol=1e-9)


def test_what_is_never_or_always_right_has_a_temperature_too() -> None:
    p = np.array([[1.0, 0.0], [1.0, 0.0]])
    assert np.isfinite(fitted_temperature(p, [1, 1])) and np.isfinite(fitted_temperature(p, [0, 0]))
    with pytest.raises(DataError, match="one truth per prediction"):
        fitted_temperature(p, [0])


def test_unsure_begins_at_the_lowest_confidence_above_which_enough_is_right() -> None:
    confidence, correct = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8], [0, 0, 1, 1, 1, 1]
    # With 0.4 and more four of five are right, which is just enough.
    assert unsure_below(confidence, correct, 0.8) == 0.31
    assert unsure_below(confidence, correct, 0.81) == 0.41
    assert unsure_below(confidence, [0] * 6, 0.8) == 1.0
    assert unsure_below(confidence, [1] * 6, 0.8) == 0.0
