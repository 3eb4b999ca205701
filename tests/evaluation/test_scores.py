"""Scores agree with scikit-learn, and the vectorised form agrees with both."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, recall_score

from crossspace.errors import DataError
from crossspace.evaluation.confusion import confusion_per_group, metrics_of
from crossspace.evaluation.scores import METRICS, scores

LABELS = ("happy", "sad", "neutral", "angry")


@pytest.fixture(params=range(4))
def answers(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(request.param)
    truth = rng.integers(0, 4, 200)
    return truth, np.where(rng.random(200) < 0.6, truth, rng.integers(0, 4, 200))


def test_overall_metrics_are_those_of_scikit_learn(answers) -> None:
    truth, predicted = answers
    found = scores(truth, predicted, LABELS)
    assert found.accuracy == pytest.approx(accuracy_score(truth, predicted))
    assert found.weighted_f1 == pytest.approx(f1_score(truth, predicted, average="weighted"))
    assert found.macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert found.uar == pytest.approx(recall_score(truth, predicted, average="macro"))
    assert list(found.overall()) == list(METRICS)


def test_metrics_of_confusion_matrices_are_those_of_scikit_learn(answers) -> None:
    truth, predicted = answers
    truth = np.where(truth == 3, 0, truth)  # a class that is predicted but never true
    group = np.arange(200) // 13
    counts = confusion_per_group(truth, predicted, group, 16, 4)
    vectorised = metrics_of(np.stack([counts.sum(0), counts[:5].sum(0)]))
    for i, rows in enumerate((slice(None), group < 5)):
        one = scores(truth[rows], predicted[rows], LABELS).overall()
        assert {m: v[i] for m, v in vectorised.items()} == pytest.approx(one)


def test_a_class_that_nobody_expressed_does_not_enter_macro_averages() -> None:
    found = scores([0, 0, 1, 1], [0, 2, 1, 1], LABELS)
    assert found.uar == pytest.approx(0.75) == balanced_accuracy_score([0, 0, 1, 1], [0, 0, 1, 0])
    assert found.macro_f1 == pytest.approx((2 / 3 + 1) / 2)
    assert found.per_class["neutral"].precision == 0
    assert found.per_class["angry"].support == 0


def test_known_answer_by_hand() -> None:
    found = scores([0, 0, 0, 1], [0, 0, 1, 1], ("no", "yes"))
    assert found.confusion.tolist() == [[2, 1], [0, 1]]
    assert (found.per_class["no"].precision, found.per_class["no"].recall) == pytest.approx((1, 2 / 3))
    assert found.weighted_f1 == pytest.approx(0.75 * 0.8 + 0.25 * 2 / 3)


def test_unlabelled_rows_change_nothing() -> None:
    with_gaps = scores([0, -100, 1, -100], [0, 3, 2, -100], LABELS)
    without = scores([0, 1], [0, 2], LABELS)
    assert with_gaps.overall() == without.overall()
    assert np.array_equal(with_gaps.confusion, without.confusion)


@pytest.mark.parametrize(
    ("truth", "predicted", "says"),
    [([-100], [0], "labelled"), ([0, 1], [0], "same length"), ([0], [4], "`predicted`"), ([7], [0], "`truth`")],
)
def test_what_cannot_be_scored_is_refused_with_a_reason(truth: list[int], predicted: list[int], says: str) -> None:
    with pytest.raises(DataError, match=says):
        scores(truth, predicted, LABELS)
