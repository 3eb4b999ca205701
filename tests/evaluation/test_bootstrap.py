"""Intervals: coverage, conversations as units, seeds, degenerate cases, speed."""

from __future__ import annotations

import numpy as np
import pytest

from crossspace.evaluation.bootstrap import intervals, resampled
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


def test_the_same_training_repeated_changes_nothing_but_the_noise_of_the_draws() -> None:
    counts = two_class_counts(np.random.default_rng(2).random(400) < 0.6, np.repeat(np.arange(80), 5))
    thrice, once = intervals(np.concatenate([counts, counts, counts])), intervals(counts)
    for metric in METRICS:
        width = np.diff(once[metric])[0]
        assert thrice[metric] == pytest.approx(once[metric], abs=0.12 * width)


def test_the_interval_is_wider_where_trainings_differ() -> None:
    rng, group = np.random.default_rng(5), np.repeat(np.arange(60), 10)
    alike = np.concatenate([two_class_counts(rng.random(600) < 0.7, group) for _ in range(5)])
    apart = np.concatenate([two_class_counts(rng.random(600) < p, group) for p in (0.5, 0.6, 0.7, 0.8, 0.9)])
    for metric in METRICS:
        assert np.diff(intervals(apart)[metric]) > 2 * np.diff(intervals(alike)[metric])


def test_over_conversations_and_seeds_the_interval_is_wider_than_over_conversations_alone() -> None:
    rng, group = np.random.default_rng(6), np.repeat(np.arange(60), 10)
    counts = np.concatenate([two_class_counts(rng.random(600) < p, group) for p in (0.6, 0.65, 0.7, 0.75, 0.8)])
    conversations = np.random.default_rng(0).integers(60, size=(2000, 60))
    for metric, (low, high) in intervals(counts).items():
        one_way = np.quantile(resampled(counts.astype(float), conversations)[metric], (0.025, 0.975))
        assert high - low > 1.3 * np.diff(one_way)[0]


def test_the_interval_covers_what_all_conversations_and_all_trainings_would_give() -> None:
    rng, group = np.random.default_rng(7), np.repeat(np.arange(50), 4)
    trials, covered = 150, 0
    for _ in range(trials):
        skill, ease = rng.normal(0, 0.04, 10), np.repeat(rng.normal(0, 0.1, 50), 4)
        chances = np.clip(0.7 + skill[:, None] + ease, 0, 1)
        counts = np.concatenate([two_class_counts(rng.random(200) < chance, group) for chance in chances])
        low, high = intervals(counts, resamples=300)["accuracy"]
        covered += low <= 0.7 <= high
    assert 0.87 <= covered / trials <= 0.985


def test_conversations_without_labels_are_left_out() -> None:
    counts = two_class_counts(np.random.default_rng(2).random(100) < 0.6, np.repeat(np.arange(20), 5))
    assert intervals(np.concatenate([counts, np.zeros((1, 9, 2, 2))], axis=1)) == intervals(counts)


def test_perfect_predictions_give_an_interval_of_one_point() -> None:
    assert set(intervals(two_class_counts(np.ones(40, bool), np.arange(40) // 4)).values()) == {(1.0, 1.0)}


def test_a_single_conversation_gives_no_interval() -> None:
    assert set(intervals(two_class_counts(np.ones(4, bool), np.zeros(4, int))).values()) == {None}
