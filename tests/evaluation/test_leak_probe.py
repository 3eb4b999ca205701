from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError
from crossspace.evaluation.leak_probe import Probe, leak_probes, rows_of

LABELS = ("joy", "anger", "calm")


def corpus(leaks: dict[str, float], labelled: bool = True) -> Corpus:
    """Features that say the label with a noise of 2, and with less where they know it."""
    random = np.random.default_rng(0)
    means = random.standard_normal((3, 8))
    parts = {}
    for split, count in (("train", 60), ("validation", 20), ("test", 30)):
        parts[split] = []
        for number in range(count):
            said = []
            for place in range(6):
                label = int(random.integers(3))
                vector = means[label] + (2 - leaks.get(split, 0)) * random.standard_normal(8)
                name = LABELS[label] if labelled or split != "test" else None
                said.append(
                    Utterance(f"{split}{number}-{place}", "A", label=name, features={"text": vector.astype(np.float32)})
                )
            parts[split].append(Conversation(f"{split}{number:02d}", tuple(said)))
    return Corpus(parts, TaskSpec(LABELS, {"text": 8}), name="noisy")


def test_features_that_know_labels_are_found() -> None:
    (probe,) = leak_probes(corpus({"train": 1.5, "validation": 1.5}))
    assert probe.leaking == ("train", "validation")
    assert min(probe.scores["train"], probe.scores["validation"]) > probe.scores["test"] + 0.2
    assert "seem to know the labels of train and validation" in str(probe)
    gap, interval = probe.gaps["train"]
    assert gap == pytest.approx(probe.scores["train"] - probe.scores["test"])
    assert interval is not None
    assert interval[0] < gap < interval[1]


def test_features_that_know_none_are_not_suspected() -> None:
    (probe,) = leak_probes(corpus({}))
    assert probe.leaking == ()
    assert "no sign of a leak" in str(probe)
    (row,) = rows_of([probe])
    assert row[:2] == ("text", "8")
    assert len(row) == 7


def test_only_validation_may_leak() -> None:
    (probe,) = leak_probes(corpus({"validation": 1.5}))
    assert probe.leaking == ("validation",)


def test_what_was_not_measured_is_not_acquitted() -> None:
    whole = corpus({})
    for split in ("train", "test"):
        parts = {
            name: [
                Conversation(
                    c.id, tuple(replace(u, features={} if name == split else dict(u.features)) for u in c.utterances)
                )
                for c in whole.split(name)
            ]
            for name in whole.splits
        }
        (probe,) = leak_probes(Corpus(parts, whole.spec))
        assert probe.gaps == {}
        assert "not measured" in str(probe)
        assert len(next(rows_of([probe]))) == 7


def test_a_gap_that_may_be_chance_is_told_as_one() -> None:
    gap = Probe("text", 8, {"train": 0.8, "validation": 0.7, "test": 0.6}, {"train": (0.2, (-0.05, 0.4))})
    assert gap.leaking == ()
    assert "no leak can be shown, and none excluded" in str(gap)
    assert "20.0 points in train" in str(gap)


def test_a_test_split_without_labels_is_refused() -> None:
    with pytest.raises(DataError, match="none in the test split"):
        leak_probes(corpus({}, labelled=False))
