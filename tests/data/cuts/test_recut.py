"""Cutting the splits of a corpus: what each rule keeps together, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.cuts.groups import groups_by
from crossspace.data.cuts.recut import Rule, cut_validation, recut, resplit
from crossspace.data.cuts.rules import folds, stratified_ids, validation_ids
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError

Maker = Callable[..., Corpus]


@pytest.fixture
def sessions() -> Maker:
    """Four sessions of ten conversations, of two speakers each; the last session is the test split if there is one."""

    def make(test: bool = True, split: str | None = "train") -> Corpus:
        parts: dict[str | None, list[Conversation]] = {}
        for i in range(40):
            session = f"Ses0{1 + i % 4}"
            name = f"{session}{'FM'[i // 4 % 2]}_{i:02d}"
            label = ("sad", "happy")[i % 5 == 0]
            members = [
                Utterance(
                    f"{name}_{k}", f"{session}{'FM'[k % 2]}", label=label, features={"text": np.ones(2, np.float32)}
                )
                for k in range(3 + i % 7)
            ]
            parts.setdefault("test" if test and i % 4 == 3 else split, []).append(Conversation(name, tuple(members)))
        return Corpus(parts, TaskSpec(("happy", "sad"), {"text": 2}))

    return make


def sets(corpus: Corpus, length: int) -> list[set[str]]:
    """The beginnings of the conversation ids of every split."""
    return [{name[:length] for name in corpus.conversation_ids(split)} for split in corpus.splits]


def test_the_rule_by_hash_is_the_published_one_and_is_recorded(sessions: Maker) -> None:
    corpus = sessions()
    cut = cut_validation(corpus, fraction=0.2, seed=3)
    assert set(cut.conversation_ids("validation")) == validation_ids(corpus.conversation_ids("train"), 0.2, 3)
    assert cut.cut == {"rule": "hash", "fraction": 0.2, "seed": 3}
    assert cut.conversation_ids("test") == corpus.conversation_ids("test")


def test_a_record_of_the_cut_stands_in_the_file_and_changes_no_fingerprint(sessions: Maker, tmp_path) -> None:
    cut = cut_validation(sessions(), "stratified")
    cut.write(tmp_path / "c.parquet")
    found = Corpus.read(tmp_path / "c.parquet")
    assert found.cut == {"rule": "stratified", "fraction": 0.1, "seed": 0}
    by_hand = sessions().with_splits(dict.fromkeys(cut.conversation_ids("validation"), "validation"))
    assert by_hand.cut == {} and by_hand.fingerprint == found.fingerprint


def test_what_was_moved_by_hand_is_no_longer_called_cut(sessions: Maker) -> None:
    cut = cut_validation(sessions())
    name = cut.conversation_ids("validation")[0]
    assert cut.with_splits({name: "validation"}).cut == cut.cut
    assert cut.with_splits({name: "train"}).cut == {}


def test_a_corpus_with_validation_or_without_train_is_not_cut(sessions: Maker) -> None:
    cut = cut_validation(sessions())
    assert cut_validation(cut, "stratified") is cut
    unsplit = sessions(test=False, split=None)
    assert cut_validation(unsplit) is unsplit
    assert cut_validation(sessions(), fraction=0).cut == {}


def test_the_stratified_rule_counts_the_labels_of_each_conversation(sessions: Maker) -> None:
    corpus = sessions()
    counts = {}
    for conversation in corpus.split("train"):
        labels = [u.label for u in conversation.utterances]
        counts[conversation.id] = [labels.count("happy"), labels.count("sad"), 0]
    cut = resplit(corpus, "stratified", fraction=0.2)
    assert set(cut.conversation_ids("validation")) == stratified_ids(counts, 0.2)


@pytest.mark.parametrize("rule", ["group:session", "group:speaker", r"group:(Ses\d\d)[FM]"])
def test_no_session_stands_in_two_splits(sessions: Maker, rule: str) -> None:
    cut = resplit(sessions(), rule, fraction=0.3)
    train, validation, test = sets(cut, 5)
    assert (len(train), len(validation), test) == (2, 1, {"Ses04"})
    assert not (train & validation) | (train & test) | (validation & test)
    assert cut.cut["rule"] == rule


def test_speakers_who_meet_over_others_are_one_group(make_conversation) -> None:
    def talk(name: str, *speakers: str) -> Conversation:
        return Conversation(name, tuple(Utterance(f"{name}{i}", s) for i, s in enumerate(speakers)))

    talks = [
        talk("a", "Ann", "Ben"),
        talk("b", "Cy"),
        talk("c", "Ben", "Dee"),
        talk("d", "Dee", "Eve"),
        talk("e", "Cy"),
    ]
    found = groups_by(Corpus({None: talks}, TaskSpec((), {"text": 2})), "speaker")
    assert found == {"a": "Ann", "b": "Cy", "c": "Ann", "d": "Ann", "e": "Cy"}


def test_groups_that_stand_in_test_as_well_are_refused_unless_test_is_cut_too(sessions: Maker) -> None:
    with pytest.raises(UsageError, match="2 stand in the test split and outside of it, such as 'Ses04F'"):
        resplit(sessions().with_splits({"Ses04F_03": "train", "Ses04M_07": "train"}), "group:Ses...")
    cut = resplit(sessions(), "group:session", test_fraction=0.25, fraction=0.3, seed=1)
    parts = sets(cut, 5)
    assert sum(map(len, parts)) == 4 and len(set().union(*parts)) == 4
    assert cut.cut == {"rule": "group:session", "fraction": 0.3, "seed": 1, "test_fraction": 0.25}


def test_folds_are_cut_by_the_rule_of_the_corpus(sessions: Maker, tmp_path) -> None:
    corpus = sessions()
    names = corpus.conversation_ids("train")
    assert Rule.of(corpus).folds(names, 3) == folds(names, 3) and Rule.of(corpus).choose(names) == validation_ids(names)
    by_session = Rule.of(resplit(corpus, "group:session", fraction=0.3))
    assert [{name[:5] for name in part} for part in by_session.folds(names, 3)] != [{"Ses01"}] * 3
    assert all(len({name[:5] for name in part}) == 1 for part in by_session.folds(names, 3))
    given = resplit(corpus, groups={name: name[-1] for name in corpus.conversation_ids("all")}, test_fraction=0.2)
    given.write(tmp_path / "c.parquet")
    parts = Rule.of(Corpus.read(tmp_path / "c.parquet")).folds(names, 2)
    assert not {name[-1] for name in parts[0]} & {name[-1] for name in parts[1]}


def test_groups_can_be_given(sessions: Maker) -> None:
    corpus = sessions()
    groups = {name: name[-1] for name in corpus.conversation_ids("all")}
    cut = resplit(corpus.with_splits(dict.fromkeys(corpus.conversation_ids("test"))), groups=groups)
    held = {name[-1] for name in cut.conversation_ids("validation")}
    assert not held & {name[-1] for name in cut.conversation_ids("train")} and cut.cut["rule"] == "group:given"
    groups.pop("Ses01F_00")
    with pytest.raises(UsageError, match="1 of 40 are in none, such as 'Ses01F_00'"):
        resplit(corpus, groups=groups)


def test_conversations_without_any_split_can_be_cut_in_three(sessions: Maker) -> None:
    cut = resplit(sessions(test=False, split=None), "stratified", test_fraction=0.2, fraction=0.25)
    assert [len(cut.conversation_ids(s)) for s in ("train", "validation", "test", None)] == [24, 8, 8, 0]


def test_what_was_left_out_of_all_splits_stays_out(sessions: Maker) -> None:
    corpus = sessions()
    out = corpus.conversation_ids("train")[:5]
    assert (
        resplit(corpus.with_splits(dict.fromkeys(out)), "stratified", test_fraction=0.3).conversation_ids(None) == out
    )


def test_a_cut_of_the_importer_can_be_cut_by_another_rule_and_that_of_the_source_not(sessions: Maker) -> None:
    cut = recut(cut_validation(sessions(), fraction=0.2, seed=2), "stratified")
    assert cut.cut == {"rule": "stratified", "fraction": 0.2, "seed": 2}
    brought = sessions().with_splits({"Ses01F_00": "validation"})
    with pytest.raises(UsageError, match="the source brings one"):
        recut(brought, "stratified")
    with pytest.raises(UsageError, match="nothing is cut here"):
        recut(sessions(), "stratified")


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("stratifed", "Did you mean 'stratified'"),
        ("group:", "A rule is one of"),
        ("group:(", "a regular expression is expected"),
        ("group:Ses01", "in none, such as 'Ses02"),
    ],
)
def test_impossible_rules_are_refused(sessions: Maker, rule: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        resplit(sessions(), rule)
    assert told in str(error.value)


def test_there_must_be_something_to_cut(sessions: Maker) -> None:
    corpus = sessions()
    only_test = corpus.with_splits(dict.fromkeys(corpus.conversation_ids("train")))
    with pytest.raises(UsageError, match="no conversation outside of its test split"):
        resplit(only_test, "stratified")
