"""Every model gets the same number of settings, and no fold shows what the test videos would not."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import yaml

from benchmarks.equal_chances import folds as proxy
from benchmarks.equal_chances.search import RANGES, draw
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec

CONTENT = yaml.safe_load(RANGES.read_text(encoding="utf-8"))


@pytest.mark.long
def test_every_model_gets_as_many_settings_and_none_twice() -> None:
    trials = draw(CONTENT, (), 8)
    for model in CONTENT["models"]:
        own = [t for t in trials if t.model == model]
        assert len(own) == 8 and own[0].changes == CONTENT["first"][model]
        configurations = [t.configuration() for t in own]
        assert all(c.model["name"] == model for c in configurations)
        assert len({str(t.changes) for t in own}) == 8
    assert trials == draw(CONTENT, (), 8)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    random, numbers = np.random.default_rng(0), count()
    spec = TaskSpec(("negative", "positive"), {"text": 6, "audio": 3, "visual": 4}, 1)

    def conversation(name: str) -> Conversation:
        said = []
        for _ in range(4):
            label = ("negative", "positive")[random.integers(2)]
            features = {m: random.normal(size=d).astype(np.float32) for m, d in spec.widths.items()}
            text = f"{'bad' if label == 'negative' else 'good'} word{random.integers(9)}"
            said.append(Utterance(f"u{next(numbers)}", "A", text=text, label=label, features=features))
        return Conversation(name, said)

    splits = {
        s: [conversation(f"{s}{i}") for i in range(n)] for s, n in (("train", 18), ("validation", 2), ("test", 3))
    }
    return Corpus(splits, spec, name="small")


def test_folds_part_the_training_videos_and_never_show_the_test_split(corpus: Corpus) -> None:
    made = proxy.folds_of(corpus)
    used = {*corpus.conversation_ids("train"), *corpus.conversation_ids("validation")}
    held_out = [name for fold in made for name in fold.conversation_ids("test")]
    assert sorted(held_out) == sorted(used)
    for fold in made:
        parts = [set(fold.conversation_ids(s)) for s in ("train", "validation", "test")]
        assert set.union(*parts) == used and sum(map(len, parts)) == len(used) and all(parts)


def test_held_out_faces_are_those_of_other_utterances_and_voices_stay(corpus: Corpus) -> None:
    fold = proxy.folds_of(corpus)[0]
    whole = {u.id: u for split in ("train", "validation") for c in corpus.split(split) for u in c.utterances}
    for split, shuffled in (("train", False), ("validation", False), ("test", True)):
        said = [u for c in fold.split(split) for u in c.utterances]
        assert all(np.array_equal(u.features["audio"], whole[u.id].features["audio"]) for u in said)
        same = [np.array_equal(u.features["visual"], whole[u.id].features["visual"]) for u in said]
        assert (sum(same) < len(same) / 2) if shuffled else all(same)
        if shuffled:
            before = sorted(whole[u.id].features["visual"].tolist() for u in said)
            assert sorted(u.features["visual"].tolist() for u in said) == before


def test_text_features_do_not_depend_on_labels_that_were_not_seen(
    corpus: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "SEEN", 0.0)
    fold = proxy.folds_of(corpus)[0]
    held_out = set(fold.conversation_ids("test"))
    other = {"negative": "positive", "positive": "negative"}

    def turned(c: Conversation) -> Conversation:
        said = [replace(u, label=other[str(u.label)]) for u in c.utterances] if c.id in held_out else c.utterances
        return replace(c, utterances=said)

    splits = {s: [turned(c) for c in corpus.split(s)] for s in ("train", "validation", "test")}
    again = proxy.folds_of(Corpus(splits, corpus.spec, name="small"))[0]
    for split in ("train", "validation", "test"):
        for one, two in zip(fold.split(split), again.split(split), strict=True):
            for a, b in zip(one.utterances, two.utterances, strict=True):
                assert np.array_equal(a.features["text"], b.features["text"])
