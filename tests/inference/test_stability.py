from __future__ import annotations

import numpy as np
import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError
from crossspace.inference.stability import stability

LABELS = ("joy", "anger")


@pytest.fixture
def corpus() -> Corpus:
    random = np.random.default_rng(0)
    made = [
        Conversation(
            f"c{number}",
            tuple(
                Utterance(
                    f"{number}-{place}",
                    "AB"[place % 2],
                    label="joy",
                    features={"text": random.standard_normal(1).astype(np.float32)},
                )
                for place in range(size)
            ),
        )
        for number, size in enumerate((1, 4, 12, 30))
    ]
    return Corpus({"test": made}, TaskSpec(LABELS, {"text": 1}))


def _answers(corpus: Corpus, ahead: int) -> np.ndarray:
    """Joy where the utterance ``ahead`` of each (the last one in the end) is positive."""
    columns = corpus.columns("all", range(len(corpus.conversation_ids("all"))))
    values = np.split(columns.features["text"][:, 0], np.cumsum(columns.lengths)[:-1])
    joy = np.concatenate([v[np.minimum(np.arange(len(v)) + ahead, len(v) - 1)] > 0 for v in values])
    return np.where(joy[:, None], [0.9, 0.1], [0.1, 0.9])


def test_what_does_not_look_ahead_is_steady(corpus: Corpus) -> None:
    found = stability(corpus, "test", lambda c: _answers(c, 0))
    assert (found.utterances, found.confident) == (3 + 11 + 29, 3 + 11 + 29)
    assert found.any == 0
    assert found.share == 0


def test_what_looks_ahead_is_not(corpus: Corpus) -> None:
    found = stability(corpus, "test", lambda c: _answers(c, 1))
    assert found.any > 0
    # What follows is another utterance after each of these changes, about half of the time of the other sign.
    assert all(count > 0 for count in found.changed.values())
    assert max(found.changed.values()) <= found.any <= sum(found.changed.values())
    assert stability(corpus, "test", lambda c: _answers(c, 1)) == found


def test_unsure_answers_do_not_count(corpus: Corpus) -> None:
    found = stability(corpus, "test", lambda c: 0.5 + (_answers(c, 1) - 0.5) / 10)
    assert (found.confident, found.any, found.share) == (0, 0, 0)


def test_single_utterances_cannot_be_judged(corpus: Corpus) -> None:
    alone = Corpus({"test": [next(c for c in corpus.split("test") if len(c) == 1)]}, corpus.spec)
    with pytest.raises(DataError, match="two utterances or more"):
        stability(alone, "test", lambda c: _answers(c, 0))
