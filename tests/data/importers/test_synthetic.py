from __future__ import annotations

import itertools

import numpy as np
import pytest

from crossspace.batching.collate import batch_of
from crossspace.data.corpus import Corpus
from crossspace.data.importers.synthetic import Synthetic
from crossspace.data.store.validate import faults
from crossspace.errors import UsageError

SMALL = {"train": 12, "validation": 3, "test": 4}


def test_the_corpus_is_as_large_as_asked_and_without_fault(tmp_path):
    corpus = Synthetic(**SMALL, shortest=2, longest=5, missing=0.3).read()
    assert [len(corpus.split(s)) for s in ("train", "validation", "test")] == [12, 3, 4]
    assert set(corpus.lengths("all")) <= {2, 3, 4, 5}
    assert all(0 < n < len(corpus) for n in corpus.coverage("all").values())
    corpus.write(tmp_path / "s.parquet")
    assert faults(tmp_path / "s.parquet") == []
    assert Corpus.read(tmp_path / "s.parquet").fingerprint == corpus.fingerprint


def test_the_arguments_fix_the_corpus():
    mark = Synthetic(**SMALL).read().fingerprint
    assert Synthetic(**SMALL).read().fingerprint == mark
    assert Synthetic(**SMALL, seed=1).read().fingerprint != mark
    assert Synthetic(**SMALL, noise=0.5).read().fingerprint != mark


def test_all_modalities_together_tell_the_emotion():
    truth = Synthetic(train=30, validation=0, test=0, noise=0.01, missing=0.0)
    for conversation in truth.read().split("train"):
        signs = np.prod(
            [[np.sign(truth.directions(m) @ u.features[m]) for m in truth.widths] for u in conversation.utterances],
            axis=1,
        )
        assert [u.label for u in conversation.utterances] == [
            truth.labels[int(np.flatnonzero((truth.bits == sign).all(axis=1))[0])] for sign in signs
        ]


def test_no_pair_of_modalities_tells_anything():
    truth = Synthetic(train=400, validation=0, test=0, noise=0.01, missing=0.0)
    batch = batch_of(truth.read(), "train", range(400))
    signs = {m: np.sign(batch.features[m].numpy() @ truth.directions(m).T) for m in truth.widths}
    bits = truth.bits[batch.labels.numpy()]
    size = 4 / np.sqrt(len(bits))
    for one, other in itertools.combinations(truth.widths, 2):
        for bit, first, second in itertools.product(range(2), repeat=3):
            assert (
                abs(
                    (signs[one][:, first] * signs[other][:, second] * bits[:, bit]).mean()
                    - bits[:, bit].mean() * (signs[one][:, first] * signs[other][:, second]).mean()
                )
                < size
            )
    assert all(
        abs((s[:, i] * bits[:, j]).mean()) < size + abs(bits[:, j].mean()) / 10
        for s in signs.values()
        for i in (0, 1)
        for j in (0, 1)
    )


def test_inertia_and_contagion_bind_the_emotion_to_both_speakers():
    free, own, other = Synthetic(inertia=0, contagion=0), Synthetic(contagion=0), Synthetic(inertia=0)
    assert np.allclose(free.transitions, free.transitions[0, 0])
    assert np.allclose(own.transitions[:, 0], own.transitions[:, 3])
    assert own.transitions[1, 0, 1] > own.transitions[0, 0, 1]
    assert np.allclose(other.transitions[0], other.transitions[3])
    assert other.transitions[0, 1, 1] > other.transitions[0, 0, 1]


def test_imbalance_is_the_ratio_of_the_first_prior_to_the_last():
    assert Synthetic(imbalance=5.0).transitions[4, 4, 0] == pytest.approx(
        5 * Synthetic(imbalance=5.0).transitions[4, 4, 3]
    )
    assert np.allclose(Synthetic(imbalance=1.0).transitions[4, 4], 0.25)


def test_a_modality_may_be_missing_always():
    corpus = Synthetic(**SMALL, missing=1.0).read()
    assert set(corpus.coverage("all").values()) == {0}


def test_with_the_bits_in_each_modality_any_one_tells_the_emotion():
    corpus = Synthetic(coding="each", noise=0.1, missing=0.0, train=5, validation=0, test=0).read()
    truth = Synthetic(coding="each", noise=0.1)
    for conversation in corpus.split("train"):
        for utterance in conversation.utterances:
            bits = truth.bits[truth.labels.index(utterance.label)]
            for m in truth.widths:
                assert np.array_equal(np.sign(truth.directions(m) @ utterance.features[m]), bits)
    assert {e["parameters"]["coding"] for e in corpus.metadata.extractors.values()} == {"each"}


def test_any_number_of_modalities_can_share_the_bits():
    for widths in ({"text": 2}, {"text": 2, "audio": 3}, {"a": 2, "b": 2, "c": 2, "d": 2}):
        corpus = Synthetic(**SMALL, widths=widths).read()
        assert corpus.spec.widths == widths


def test_impossible_arguments_are_named_together():
    with pytest.raises(UsageError, match=r"shortest <= longest.*noise.*probability.*at least 2 features"):
        Synthetic(shortest=5, longest=2, noise=0, missing=2, widths={"text": 1})
