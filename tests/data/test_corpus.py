from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from crossspace.batching import Batch, batch_of, collate
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.importers.synthetic import Synthetic
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError, UsageError

SPLITS = ("train", "validation", "test", None, "all")


@pytest.fixture
def stored(corpus, tmp_path):
    corpus.write(tmp_path / "corpus.parquet")
    return Corpus.read(tmp_path / "corpus.parquet")


def assert_same_batch(one: Batch, other: Batch) -> None:
    assert one.conversation_ids == other.conversation_ids
    for name in ("labels", "speakers", "lengths"):
        assert torch.equal(getattr(one, name), getattr(other, name))
    for modality in one.features:
        assert torch.equal(one.features[modality], other.features[modality])
        assert torch.equal(one.present[modality], other.present[modality])


def test_everything_survives_writing_and_reading(corpus, stored):
    assert (stored.name, stored.source, stored.licence) == ("small", "made by hand", "CC0-1.0")
    assert stored.spec == corpus.spec
    assert stored.extractors == {"text": {"name": "words", "version": "2", "parameters": {"layer": 3}}}
    assert stored.splits == ("train", "validation", "test")
    for split in SPLITS:
        assert len(stored.split(split)) == len(corpus.split(split)) > 0
        for one, other in zip(corpus.split(split), stored.split(split), strict=True):
            assert one.id == other.id
            for a, b in zip(one.utterances, other.utterances, strict=True):
                assert (a.id, a.speaker, a.text, a.start, a.end, a.label) == (
                    (b.id, b.speaker, b.text, b.start, b.end, b.label)
                )
                assert set(a.features) == set(b.features)
                assert all(np.array_equal(a.features[m], b.features[m]) for m in a.features)


@pytest.mark.parametrize("split", SPLITS)
def test_batch_equals_collation_of_the_conversations(corpus, stored, split):
    indices = list(range(len(corpus.split(split))))[::-1]
    expected = collate([corpus.split(split)[i] for i in indices], corpus.spec)
    assert_same_batch(batch_of(corpus, split, indices), expected)
    assert_same_batch(batch_of(stored, split, indices), expected)


def test_lengths_labels_and_names_agree_with_the_batch(stored):
    for split in SPLITS:
        batch = batch_of(stored, split, range(len(stored.split(split))))
        assert batch.lengths.tolist() == stored.lengths(split)
        assert batch.labels.tolist() == stored.labels(split).tolist()
        assert list(batch.conversation_ids) == stored.conversation_ids(split)
        assert len(stored.speaker_names(split)) == len(batch)
        assert stored.coverage(split) == {m: int(p.sum()) for m, p in batch.present.items()}


def test_a_batch_may_be_empty_and_may_repeat_a_conversation(stored):
    assert len(batch_of(stored, "train", [])) == 0
    twice = batch_of(stored, "train", [1, 1])
    assert twice.conversation_ids[0] == twice.conversation_ids[1]


def test_writing_to_a_batch_does_not_change_the_corpus(corpus):
    before = batch_of(corpus, "train", [0]).features["text"].clone()
    batch_of(corpus, "train", [0]).features["text"].zero_()
    assert torch.equal(batch_of(corpus, "train", [0]).features["text"], before)


def test_splits_have_aliases_and_unknown_ones_are_named(corpus):
    assert corpus.conversation_ids("dev") == corpus.conversation_ids("validation")
    with pytest.raises(UsageError, match="Did you mean 'validation'"):
        corpus.split("validaton")


def test_a_split_is_a_sequence(corpus):
    train = corpus.split("train")
    assert train[-1].id == train[len(train) - 1].id
    assert [c.id for c in train[1:3]] == corpus.conversation_ids("train")[1:3]
    with pytest.raises(IndexError):
        train[len(train)]


def test_the_order_in_which_conversations_are_given_does_not_matter(corpus):
    shuffled = {s: list(corpus.split(s))[::-1] for s in ("test", "validation", "train", None)}
    again = Corpus(shuffled, corpus.spec, extractors=corpus.extractors)
    assert again.fingerprint == corpus.fingerprint


def test_fingerprint_is_the_same_in_memory_written_and_read(corpus, stored, tmp_path):
    assert stored.fingerprint == corpus.fingerprint
    stored.write(tmp_path / "again.parquet")
    assert Corpus.read(tmp_path / "again.parquet").fingerprint == corpus.fingerprint
    stored.verify()


def _changed(corpus: Corpus, **changes) -> Corpus:
    first = corpus.split("train")[0]
    fields = {
        k: getattr(first.utterances[0], k) for k in ("id", "speaker", "text", "start", "end", "label", "features")
    }
    utterances = (Utterance(**{**fields, **changes}), *first.utterances[1:])
    train = [Conversation(first.id, utterances), *corpus.split("train")[1:]]
    rest = {s: list(corpus.split(s)) for s in ("validation", "test", None)}
    return Corpus({"train": train, **rest}, corpus.spec, extractors=corpus.extractors)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "other"},
        {"speaker": "other"},
        {"text": "other"},
        {"start": 0.25},
        {"features": {}},
        {"features": {"text": np.zeros(5, np.float32)}},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_fingerprint_changes_with_any_content(corpus, changes):
    assert _changed(corpus).fingerprint == corpus.fingerprint
    assert _changed(corpus, **changes).fingerprint != corpus.fingerprint


def test_fingerprint_changes_with_splits_labels_and_extractors_but_not_with_the_name(corpus):
    content = {s: list(corpus.split(s)) for s in ("train", "validation", "test", None)}
    swapped = TaskSpec(("anger", "joy"), corpus.spec.widths, 2)
    marks = {
        corpus.fingerprint,
        corpus.with_splits({corpus.conversation_ids("train")[0]: "test"}).fingerprint,
        Corpus(content, swapped, extractors=corpus.extractors).fingerprint,
        Corpus(content, corpus.spec).fingerprint,
    }
    assert len(marks) == 4
    assert Corpus(content, corpus.spec, extractors=corpus.extractors, name="x").fingerprint == corpus.fingerprint


def test_conversations_move_between_splits_without_copying(stored, tmp_path):
    name = stored.conversation_ids("train")[2]
    moved = stored.with_splits({name: "validation", stored.conversation_ids("test")[0]: None})
    assert name in moved.conversation_ids("validation")
    assert name in stored.conversation_ids("train")
    assert len(moved.split("test")) == 2
    assert len(moved.split(None)) == 2
    assert moved._features is stored._features
    moved.write(tmp_path / "moved.parquet")
    again = Corpus.read(tmp_path / "moved.parquet")
    assert again.fingerprint == moved.fingerprint
    assert again.conversation_ids("validation") == moved.conversation_ids("validation")


def test_unknown_conversations_and_splits_cannot_be_moved(corpus):
    with pytest.raises(UsageError, match="no conversation 'dialogue 00'"):
        corpus.with_splits({"dialogue 00": "train"})
    with pytest.raises(UsageError, match="Found 'tain'"):
        corpus.with_splits({corpus.conversation_ids("train")[0]: "tain"})


def test_every_fault_of_given_conversations_is_named_at_once(spec):
    bad = [
        Conversation("empty", ()),
        Conversation("a", (Utterance("1", "x", label="joyy", features={"text": np.zeros(4)}),)),
        Conversation("a", (Utterance("1", "x", features={"smell": np.zeros(4)}),)),
        Conversation("b", (Utterance("2", "", features={"audio": np.array([0, np.nan, np.inf])}),)),
    ]
    with pytest.raises(DataError) as caught:
        Corpus({"train": bad[:2], "test": bad[2:]}, spec)
    for part in (
        "'empty' is empty",
        "conversation id 'a' occurs 2 times",
        "utterance id '1' occurs 2 times",
        "several splits: test, train",
        "Did you mean 'joy'?",
        "text should have 5 features. Found shape (4,)",
        "modality 'smell' is unknown",
        "column 'speaker' is empty",
        "audio holds 2 numbers of 3 that are NaN or infinite",
    ):
        assert part in str(caught.value)


@pytest.mark.parametrize("length", [1, 5000])
def test_conversations_of_one_and_of_five_thousand_utterances(make_conversation, spec, tmp_path, length):
    corpus = Corpus({"train": [make_conversation("only", length)]}, spec)
    corpus.write(tmp_path / "c.parquet")
    stored = Corpus.read(tmp_path / "c.parquet")
    assert_same_batch(batch_of(stored, "train", [0]), batch_of(corpus, "train", [0]))
    assert stored.lengths("all") == [length]


def test_a_modality_may_be_missing_everywhere(make_conversation, spec, tmp_path):
    corpus = Corpus({None: [make_conversation("a", 4, p=0.0), make_conversation("b", 2, p=0.0)]}, spec)
    corpus.write(tmp_path / "c.parquet")
    batch = batch_of(Corpus.read(tmp_path / "c.parquet"), "all", [0, 1])
    assert not any(p.any() for p in batch.present.values())
    assert not any(x.any() for x in batch.features.values())
    assert corpus.splits == ()


def test_an_empty_corpus_can_be_written_and_read(spec, tmp_path):
    corpus = Corpus({}, spec)
    corpus.write(tmp_path / "c.parquet")
    assert Corpus.read(tmp_path / "c.parquet").fingerprint == corpus.fingerprint
    assert len(Corpus.read(tmp_path / "c.parquet").split("all")) == 0


def test_a_stored_corpus_can_be_sent_to_another_process(stored):
    again = pickle.loads(pickle.dumps(stored))
    assert_same_batch(batch_of(again, "train", [0, 2]), batch_of(stored, "train", [0, 2]))


def test_corpora_and_importers_do_without_torch():
    code = (
        "import sys; from crossspace.data import importers; names = importers.names();"
        "[importers.find(n) for n in names]; import crossspace.data.store.validate, crossspace.data.summary;"
        "assert len(names) >= 3 and 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_offers_what_it_lists():
    import crossspace.data as package

    assert len(dir(package)) >= 12
    assert all(getattr(package, name) is not None for name in dir(package))


def test_a_modality_occurs_where_one_utterance_has_it_and_no_more_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Synthetic(train=60, validation=1, test=1, missing=0.1, widths={"text": 4, "audio": 3}).read()
    made.write(tmp_path / "c.parquet")
    corpus, read = Corpus.read(tmp_path / "c.parquet"), []
    real = corpus.features.read

    def counted(modality: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        read.append(modality)
        return real(modality, start, stop)

    monkeypatch.setattr(corpus.features, "read", counted)
    coverage = made.coverage("train")
    assert corpus.occurring("train") == [m for m, count in coverage.items() if count] == ["text", "audio"]
    assert len(read) < 10
    bare = [
        Conversation(c.id, tuple(replace(u, features={}, missing={}) for u in c.utterances))
        for c in made.split("train")
    ]
    empty = Corpus({"train": bare}, made.spec)
    assert empty.occurring("train") == []
