"""The second label: as stated, else as the emotion implies it, in objects, files and batches alike."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from crossspace.batching import batch_of, collate
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.sentiment import SENTIMENTS, implied, in_order
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError, MismatchError, UsageError

TASK = TaskSpec(("joy", "Anger", "surprise", "neutral"), {"text": 1})


def talk(*pairs: tuple[str | None, str | None], name: str = "c") -> Conversation:
    vector = np.zeros(1, np.float32)
    return Conversation(
        name,
        tuple(
            Utterance(f"{name}{i}", "A", label=label, sentiment=sentiment, features={"text": vector})
            for i, (label, sentiment) in enumerate(pairs)
        ),
    )


@pytest.fixture
def corpus() -> Corpus:
    first = talk(("joy", None), ("Anger", "positive"), ("surprise", None), (None, "neutral"), (None, None))
    return Corpus({"train": [first, talk(("neutral", None), name="d")]}, TASK)


def test_what_is_stated_goes_before_what_the_emotion_implies(corpus: Corpus, tmp_path: Path) -> None:
    expected = [2, 2, -100, 1, -100, 1]
    corpus.write(tmp_path / "c.parquet")
    stored = Corpus.read(tmp_path / "c.parquet")
    for source in (corpus, stored):
        batch, made = batch_of(source, "train", [0, 1]), collate(list(source.split("train")), TASK)
        assert batch.sentiments is not None and made.sentiments is not None
        assert batch.sentiments.tolist() == made.sentiments.tolist() == expected
        assert [u.sentiment for u in source.split("train")[0].utterances] == [None, "positive", None, "neutral", None]
    assert stored.fingerprint == corpus.fingerprint


def test_a_corpus_without_sentiments_is_the_file_it_was(tmp_path: Path) -> None:
    plain = Corpus({"train": [talk(("joy", None), ("Anger", None))]}, TASK)
    plain.write(tmp_path / "c.parquet")
    stored = Corpus.read(tmp_path / "c.parquet")
    assert "sentiment" not in stored.utterances("train").column_names
    assert stored.fingerprint == "c27838f68e412a10a2f53367f24b6f27f65156722a38dcf90479ea56e2249f9e"
    assert TASK.to_dict() == {"labels": ["joy", "Anger", "surprise", "neutral"], "widths": {"text": 1}, "speakers": 2}


def test_a_stated_sentiment_counts_in_the_fingerprint(corpus: Corpus) -> None:
    other = talk(("joy", None), ("Anger", "negative"), ("surprise", None), (None, "neutral"), (None, None))
    assert Corpus({"train": [other, talk(("neutral", None), name="d")]}, TASK).fingerprint != corpus.fingerprint


def test_other_names_and_orders_are_kept(tmp_path: Path) -> None:
    task = dataclasses.replace(TASK, sentiments=("good", "negative"))
    corpus = Corpus({"train": [talk(("joy", "good"), ("Anger", None), ("joy", None))]}, task)
    corpus.write(tmp_path / "c.parquet")
    stored = Corpus.read(tmp_path / "c.parquet")
    assert stored.spec == task == TaskSpec.from_dict(task.to_dict())
    batch = batch_of(stored, "train", [0])
    assert batch.sentiments is not None and batch.sentiments.tolist() == [0, 1, -100]


def test_an_unknown_sentiment_is_refused_with_how_often_it_occurs() -> None:
    with pytest.raises(DataError, match=r"sentiment 'glad' \(2 utterances\) is unknown"):
        Corpus({"train": [talk(("joy", "glad"), ("joy", "glad"))]}, TASK)


def test_a_batch_refuses_a_sentiment_that_its_task_does_not_know() -> None:
    with pytest.raises(MismatchError, match=r"Utterance 'c0' has the sentiment 'glad'; the task knows \['negative'"):
        collate([talk(("joy", "glad"))], TASK)


def test_predictions_see_no_sentiment(corpus: Corpus) -> None:
    assert all(u.sentiment is None for u in corpus.split("train")[0].without_labels().utterances)


@pytest.mark.parametrize("sentiments", [(), ("a", "a")])
def test_a_task_without_sentiments_or_with_one_twice_is_refused(sentiments: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="should have sentiments, and none twice"):
        dataclasses.replace(TASK, sentiments=sentiments)


@pytest.mark.parametrize("vectors", [{"text": 2}, {"audio": 1, "visual": 2}, {"text": 0}, {"text": -1}])
def test_vectors_that_do_not_divide_a_modality_are_refused(vectors: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"should be .* vectors of equal width\. Found a width of"):
        dataclasses.replace(TASK, vectors=vectors)


def test_emotions_of_published_corpora_imply_what_their_authors_say() -> None:
    iemocap = {"happy": 2, "sad": 0, "neutral": 1, "angry": 0, "excited": 2, "frustrated": 0}
    assert {label: SENTIMENTS.index(implied(label) or "") for label in iemocap} == iemocap
    assert implied("surprise") is None and implied("Joyful ") == "positive"


def test_usual_names_stand_in_the_usual_order_and_others_in_that_of_the_alphabet() -> None:
    assert in_order([None, "positive"]) == SENTIMENTS == in_order([])
    assert in_order(["warm", None, "cold", "warm"]) == ("cold", "warm")
