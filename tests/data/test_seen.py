"""What is known of the encoders of features goes wherever the features go."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crossspace.configuration import make_configuration
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.joins.join import join
from crossspace.data.seen import encoders_of, seen_utterances
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.training.devices import Devices
from crossspace.tune.folds import Folds

WIDTH = 2


def corpus(seen: bool | None, labels: bool = True, modality: str = "text", extractor: str = "") -> Corpus:
    """Ten conversations of two utterances in each split."""
    parts: dict[str, list[Conversation]] = {"train": [], "validation": [], "test": []}
    for split, conversations in parts.items():
        for number in range(10):
            said = [
                Utterance(
                    f"{split}{number}-{k}",
                    "A",
                    label="xy"[(number + k) % 2] if labels else None,
                    features={modality: np.full(WIDTH, number, np.float32)},
                    encoders={} if seen is None else {modality: "all"},
                    seen={} if seen is None else {modality: seen},
                )
                for k in range(2)
            ]
            conversations.append(Conversation(f"{split}{number}", tuple(said)))
    made = {modality: {"name": extractor, "version": "1"}} if extractor else None
    return Corpus(parts, TaskSpec(("x", "y"), {modality: WIDTH}), name="small", extractors=made)


def check(found: Corpus, **training: object) -> None:
    tree = {"model": {"name": "logistic-regression"}, "balancer": {"name": "fixed"}, "training": training}
    make_configuration(tree, None).check(found)


def test_it_is_written_and_read_back(tmp_path: Path) -> None:
    made = corpus(True)
    made.write(tmp_path / "c.parquet")
    read = Corpus.read(tmp_path / "c.parquet")
    read.verify()
    assert read.fingerprint == made.fingerprint
    first = next(iter(read.split("train"))).utterances[0]
    assert (first.encoders, first.seen) == ({"text": "all"}, {"text": True})
    assert seen_utterances(read, "validation") == {"text": 20}
    assert encoders_of(read) == {"text": {"all": 60}}
    assert encoders_of(corpus(None)) == {}


def test_what_has_seen_the_judge_is_refused() -> None:
    check(corpus(False))
    check(corpus(None))
    with pytest.raises(UsageError, match=r"In the split 'validation'.* 20 \(text\) of 20 utterances"):
        check(corpus(True))
    check(corpus(True), in_sample=True)


def test_a_few_are_told_and_not_refused() -> None:
    plain, leaky = corpus(False), corpus(True)
    one = {split: [*plain.split(split)] for split in plain.splits}
    one["test"][0] = next(iter(leaky.split("test")))
    few = Corpus(one, plain.spec)
    assert seen_utterances(few, "test") == {"text": 2}
    with pytest.raises(UsageError, match="In the split 'test'"):
        check(few)  # 2 of 20 are more than a twentieth
    moved = [*few.conversation_ids("train")[:8], *few.conversation_ids("validation")[:5]]
    rare = few.with_splits(dict.fromkeys(moved, "test"))
    assert seen_utterances(rare, "test") == {"text": 2}
    check(rare)  # 2 of 46


def test_labels_that_come_after_the_features_count() -> None:
    bare, labelled = corpus(True, labels=False), corpus(None)
    assert seen_utterances(bare, "validation") == {}
    joined, _ = join(labelled, bare, replace_existing=True)
    assert seen_utterances(joined, "validation") == {"text": 20}
    with pytest.raises(UsageError, match="trained on their labels"):
        check(joined)


def test_features_that_are_replaced_take_what_was_said_of_them_along() -> None:
    joined, _ = join(corpus(True), corpus(None), replace_existing=True)
    assert seen_utterances(joined, "train") == {}
    assert encoders_of(joined) == {}
    beside, _ = join(corpus(None), corpus(True), prefix="tuned-")
    assert seen_utterances(beside, "test") == {"tuned-text": 20}


def test_only_modalities_that_are_used_count() -> None:
    both, _ = join(corpus(None), corpus(True, modality="audio"))
    with pytest.raises(UsageError, match=r"20 \(audio\)"):
        check(both)
    check(both, modalities=["text"])


def test_other_splits_do_not_hide_it() -> None:
    leaky = corpus(True)
    moved = leaky.with_splits(dict.fromkeys(leaky.conversation_ids("train"), "test"))
    assert seen_utterances(moved, "test") == {"text": 40}


def test_folds_of_a_search_are_judged_as_well() -> None:
    parts = {split: [*corpus(True).split(split)] for split in ("train",)}
    parts |= {split: [*corpus(False).split(split)] for split in ("validation", "test")}
    in_sample = Corpus(parts, corpus(True).spec)
    check(in_sample)  # of the training conversations alone the encoder has seen the labels
    folds = Folds(in_sample, 2, [0], Devices("cpu"))
    with pytest.raises(UsageError, match="trained on their labels"):
        check(folds.corpora[0])


def test_addresses_of_clips_are_not_learned_from() -> None:
    with pytest.raises(UsageError, match="are addresses of files, kept for 'crossspace finetune --modality audio'"):
        check(corpus(None, modality="audio", extractor="clips"))
