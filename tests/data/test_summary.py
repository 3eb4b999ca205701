from __future__ import annotations

import json

from crossspace.data.corpus import Corpus
from crossspace.data.summary import summary


def test_numbers_are_those_of_the_conversations(corpus):
    found = summary(corpus)
    assert list(found["splits"]) == ["train", "validation", "test", "none", "all"]
    for split, key in (("train", "train"), (None, "none"), ("all", "all")):
        utterances = [u for c in corpus.split(split) for u in c.utterances]
        numbers = found["splits"][key]
        assert numbers["conversations"] == len(corpus.split(split))
        assert numbers["utterances"] == len(utterances)
        assert numbers["labels"] == {k: sum(u.label == k for u in utterances) for k in ("joy", "anger")}
        assert numbers["unlabelled"] == sum(u.label is None for u in utterances)
        assert numbers["speakers"] == {s: sum(u.speaker == s for u in utterances) for s in numbers["speakers"]}
        assert sum(numbers["speakers"].values()) == len(utterances)
        assert numbers["coverage"] == {m: sum(m in u.features for u in utterances) for m in ("text", "audio")}
    assert found["splits"]["test"]["lengths"] == {"min": 2.0, "median": 8.0, "mean": 26 / 3, "max": 16.0}


def test_the_summary_is_plain_and_the_same_for_a_file(corpus, tmp_path):
    corpus.write(tmp_path / "c.parquet")
    assert json.dumps(summary(Corpus.read(tmp_path / "c.parquet"))) == json.dumps(summary(corpus))


def test_an_empty_corpus_has_a_summary(spec):
    assert summary(Corpus({}, spec))["splits"]["all"]["lengths"]["max"] == 0.0
