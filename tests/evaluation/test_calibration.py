"""Calibration against answers that can be worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from crossspace.errors import DataError
from crossspace.evaluation.calibration import brier_score, reliability


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
