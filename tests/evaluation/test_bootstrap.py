"""Intervals: coverage, conversations as units, seeds, degenerate cases, speed."""

from __future__ import annotations

import time

import numpy as np
import pytest

from crossspace.evaluation.bootstrap import intervals
from crossspace.evaluation.confusion import confusion_per_group
from crossspace.evaluation.scores import METRICS


def two_class_counts(right: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(1, G, 2, 2) counts of answers to truths that alternate."""
    truth = np.arange(len(right)) % 2
    return confusion_per_group(truth, np.where(right, truth, 1 - truth), group, int(group.max()) + 1, 2)[None]


def test_interval_covers_the_true_accuracy_about_as_often_as_it_says() -> None:
    rng, group = np.random.default_rng(0), np.repeat(np.arange(60), 5)
    trials, covered = 200, 0
    for _ in range(trials):
        low, high = intervals(two_class_counts(rng.random(300) < 0.7, group), resamples=400)["accuracy"]
        covered += low <= 0.7 <= high
    assert 0.89 <= covered / trials <= 0.985


def test_resampling_conversations_is_wider_than_resampling_utterances_when_errors_cluster() -> None:
    rng = np.random.default_rng(1)
    ease = np.repeat(rng.beta(1, 1, 30), 20)
    right = rng.random(600) < ease
    by_conversation = intervals(two_class_counts(right, np.repeat(np.arange(30), 20)))
    by_utterance = intervals(two_class_counts(right, np.arange(600)))
    for metric in METRICS:
        assert np.diff(by_conversation[metric]) > 1.8 * np.diff(by_utterance[metric])


def test_same_seed_same_interval_and_order_of_metrics() -> None:
    counts = two_class_counts(np.random.default_rng(2).random(100) < 0.6, np.repeat(np.arange(20), 5))
    assert intervals(counts, seed=3) == intervals(counts, seed=3) != intervals(counts, seed=4)
    assert list(intervals(counts)) == list(METRICS)


def test_repeating_a_seed_changes_nothing_because_all_seeds_share_the_resamples() -> None:
    counts = two_class_counts(np.random.default_rng(2).random(100) < 0.6, np.repeat(np.arange(20), 5))
    thrice, once = intervals(np.concatenate([counts, counts, counts])), intervals(counts)
    for metric in METRICS:
        assert thrice[metric] == pytest.approx(once[metric])


def test_conversations_without_labels_are_left_out() -> None:
    counts = two_class_counts(np.random.default_rng(2).random(100) < 0.6, np.repeat(np.arange(20), 5))
    assert intervals(np.concatenate([counts, np.zeros((1, 9, 2, 2))], axis=1)) == intervals(counts)


def test_perfect_predictions_give_an_interval_of_one_point() -> None:
    assert set(intervals(two_class_counts(np.ones(40, bool), np.arange(40) // 4)).values()) == {(1.0, 1.0)}


def test_a_single_conversation_gives_no_interval() -> None:
    assert set(intervals(two_class_counts(np.ones(4, bool), np.zeros(4, int))).values()) == {None}


def test_two_thousand_resamples_of_five_seeds_take_less_than_a_second() -> None:
    counts = np.random.default_rng(0).multinomial(9, np.full(49, 1 / 49), (5, 280)).reshape(5, 280, 7, 7)
    start = time.perf_counter()
    intervals(counts)
    assert time.perf_counter() - start < 1
