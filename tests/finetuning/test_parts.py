from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.errors import DataError, UsageError
from crossspace.finetuning.material import Texts
from crossspace.finetuning.parts import parts_of
from crossspace.finetuning.plan import Plan


def rows_of(corpus: Corpus) -> list[tuple[str, str]]:
    """Conversation and label of what an encoder of texts learns from."""
    said = [(c.id, u) for c in corpus.split("train") for u in c.utterances]
    return [(name, u.label) for name, u in said if u.text and u.label is not None]


def test_every_training_conversation_is_new_to_one_encoder(corpus: Corpus) -> None:
    parts = parts_of(corpus, rows_of(corpus), 3, [0, 1])
    assert [part.folder for part in parts[:4]] == ["seed-0/all", "seed-0/fold-1", "seed-0/fold-2", "seed-0/fold-3"]
    for seed in (0, 1):
        held = [name for part in parts if part.seed == seed for name in part.held_out]
        assert sorted(held) == corpus.conversation_ids("train")


def test_the_mean_of_the_folds_saves_the_encoder_of_all(corpus: Corpus) -> None:
    assert [part.name for part in parts_of(corpus, rows_of(corpus), 2, [0], "folds")] == ["fold-1", "fold-2"]
    assert [part.name for part in parts_of(corpus, rows_of(corpus), 0, [0])] == ["all"]


@pytest.mark.parametrize(("folds", "others", "said"), [(1, "all", "at least 2"), (0, "folds", "where there are folds")])
def test_impossible_folds_are_refused(corpus: Corpus, folds: int, others: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parts_of(corpus, rows_of(corpus), folds, [0], others)


def test_a_label_that_only_one_fold_has_is_named(corpus: Corpus) -> None:
    conversations = {split: list(corpus.split(split)) for split in corpus.splits}
    first = conversations["train"][0]
    changed = (replace(first.utterances[0], label="rage"), *first.utterances[1:])
    conversations["train"][0] = Conversation(first.id, changed)
    spec = replace(corpus.spec, labels=(*corpus.spec.labels, "rage"))
    changed_corpus = Corpus(conversations, spec)
    with pytest.raises(UsageError, match=r"Fold \d of 3 holds all training utterances of rage \(1\)"):
        parts_of(changed_corpus, rows_of(changed_corpus), 3, [0])


def test_what_one_fold_alone_can_read_is_refused(corpus: Corpus) -> None:
    first = corpus.conversation_ids("train")[0]
    rows = [(name, label) for name, label in rows_of(corpus) if name == first]
    with pytest.raises(UsageError, match=r"holds all training utterances of"):
        parts_of(corpus, rows, 3, [0])


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_corpus_without_texts_is_refused(corpus: Corpus, plan: Callable[..., Plan], split: str) -> None:
    conversations = {
        name: [
            Conversation(c.id, tuple(replace(u, text=None if name == split else u.text) for u in c.utterances))
            for c in corpus.split(name)
        ]
        for name in corpus.splits
    }
    with pytest.raises(DataError, match=f"Found none in the {split} split"):
        Texts(plan().settings).check(Corpus(conversations, corpus.spec), plan().base)
