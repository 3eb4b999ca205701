from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from crossspace.data.corpus import Corpus
from crossspace.data.ideal_observer import ceiling, evidence, observed, posteriors
from crossspace.data.importers.synthetic import Synthetic


def drawn(truth: Synthetic, count: int):
    return [truth.draw(np.random.default_rng([11, i]), f"c{i}") for i in range(count)]


def test_the_ceiling_of_a_split_is_how_often_the_likeliest_emotion_is_the_true_one():
    truth = Synthetic(train=2, validation=3, test=6, noise=0.6)
    corpus = truth.read()
    test = corpus.split("test")
    hits = [
        truth.labels[int(scores.argmax())] == utterance.label
        for conversation in test
        for scores, utterance in zip(posteriors(conversation, truth), conversation.utterances, strict=True)
    ]
    assert set(corpus.ceilings) == {"validation", "test"}
    assert corpus.ceilings["test"] == observed(list(test), truth) == np.mean(hits)


def test_a_ceiling_is_kept_in_the_file_and_lost_where_it_no_longer_holds(tmp_path):
    corpus = Synthetic(train=2, validation=2, test=2).read()
    corpus.write(tmp_path / "c.parquet")
    read = Corpus.read(tmp_path / "c.parquet")
    assert read.ceilings == corpus.ceilings and read.fingerprint == corpus.fingerprint
    (first, *_) = read.conversation_ids("validation")
    assert set(read.with_splits({first: "train"}).ceilings) == {"test"}
    assert set(read.with_splits({first: "validation"}).ceilings) == {"validation", "test"}
    assert read.with_modalities(["text", "audio"]).ceilings == {}
    assert read.with_modalities(["text", "audio", "visual"]).ceilings == read.ceilings
    plain = Corpus({s: read.split(s) for s in read.splits}, read.spec, extractors=read.extractors)
    plain.write(tmp_path / "p.parquet")  # as files were before there were ceilings
    assert b"ceilings" not in pq.read_schema(tmp_path / "p.parquet").metadata[b"crossspace"]
    assert Corpus.read(tmp_path / "p.parquet").ceilings == {} and plain.fingerprint == read.fingerprint


def test_posteriors_are_those_of_counting_every_sequence_of_emotions():
    truth = Synthetic(shortest=5, longest=5, noise=0.9, missing=0.2, inertia=1.5, contagion=1.0)
    for conversation in drawn(truth, 8):
        seen = evidence(conversation, truth)
        total = np.zeros((5, 4))
        for emotions in itertools.product(range(4), repeat=5):
            weight, latest = 1.0, dict.fromkeys(truth.speaker_names, 4)
            for t, (utterance, emotion) in enumerate(zip(conversation.utterances, emotions, strict=True)):
                (other,) = set(truth.speaker_names) - {utterance.speaker}
                weight *= truth.transitions[latest[utterance.speaker], latest[other], emotion] * seen[t, emotion]
                latest[utterance.speaker] = emotion
            total[np.arange(5), emotions] += weight
        assert np.allclose(posteriors(conversation, truth), total / total.sum(axis=1, keepdims=True), atol=1e-12)


def test_what_is_known_from_the_past_is_what_would_be_known_had_the_conversation_ended():
    truth = Synthetic(shortest=6, longest=6, noise=0.9, missing=0.2, inertia=1.5, contagion=1.0)
    for conversation in drawn(truth, 8):
        found = posteriors(conversation, truth, future=False)
        for end in range(1, 7):
            until = replace(conversation, utterances=conversation.utterances[:end])
            assert np.allclose(found[end - 1], posteriors(until, truth)[-1], atol=1e-12)


def test_evidence_is_the_sum_over_hidden_signs():
    truth = Synthetic(shortest=3, longest=3, noise=0.8, missing=0.0)
    (conversation,) = drawn(truth, 1)
    for row, utterance in enumerate(conversation.utterances):
        seen = {m: truth.directions(m) @ utterance.features[m] for m in truth.widths}
        expected = np.zeros(4)
        for emotion, bits in enumerate(truth.bits):
            for signs in itertools.product(itertools.product((-1, 1), repeat=2), repeat=3):
                if np.array_equal(np.prod(signs, axis=0), bits):
                    far = sum(((seen[m] - s) ** 2).sum() for m, s in zip(seen, np.array(signs), strict=True))
                    expected[emotion] += np.exp(-far / (2 * truth.noise**2))
        assert np.allclose(
            evidence(conversation, truth)[row] / evidence(conversation, truth)[row].sum(), expected / expected.sum()
        )


def test_evidence_of_bits_in_each_modality_is_the_product_of_their_densities():
    truth = Synthetic(coding="each", shortest=12, longest=12, noise=0.8, missing=0.4)
    (conversation,) = drawn(truth, 1)
    for row, utterance in enumerate(conversation.utterances):
        seen = {m: truth.directions(m) @ utterance.features[m] for m in utterance.features}
        far = np.array([sum(((x - bits) ** 2).sum() for x in seen.values()) for bits in truth.bits])
        expected = np.exp(-far / (2 * truth.noise**2))
        found = evidence(conversation, truth)[row]
        assert np.allclose(found / found.sum(), expected / expected.sum())


def test_the_ceiling_at_the_defaults_is_the_one_that_is_stated():
    truth = Synthetic()
    found, error = ceiling(truth, conversations=1500, seed=3)
    assert abs(found - 0.9639) < 4 * error < 0.01
    assert "96.39 %" in Synthetic.__doc__


def test_the_observer_is_as_sure_as_it_is_right():
    truth = Synthetic(noise=0.6)
    certain, right = [], []
    for conversation in drawn(truth, 400):
        found = posteriors(conversation, truth)
        index = [truth.labels.index(u.label) for u in conversation.utterances]
        certain += found.max(axis=1).tolist()
        right += (found.argmax(axis=1) == index).tolist()
    assert abs(np.mean(certain) - np.mean(right)) < 0.02


@pytest.mark.parametrize("left_out", ["text", "audio", "visual"])
def test_without_one_modality_the_features_say_nothing(left_out):
    truth = Synthetic()
    for conversation in drawn(truth, 20):
        for utterance in conversation.utterances:
            utterance.features.pop(left_out, None)
        assert np.array_equal(evidence(conversation, truth), np.ones((len(conversation), 4)))


@pytest.mark.parametrize("coding", ["product", "each"])
def test_the_past_is_worth_something_the_future_as_well_and_features_much(coding):
    truth = Synthetic(coding=coding, noise=0.7 if coding == "product" else 2.0, inertia=2.0, contagion=1.0)
    whole, error = ceiling(truth, 250)
    past, _ = ceiling(truth, 250, context="past")
    alone, _ = ceiling(truth, 250, context="none")
    blind, _ = ceiling(replace(truth, missing=1.0), 100)
    assert whole > past + error and past > alone + 3 * error
    assert blind < alone - 0.1


def test_without_noise_and_gaps_the_observer_is_always_right():
    assert ceiling(Synthetic(noise=0.05, missing=0.0), 50)[0] == 1.0


def test_one_utterance_and_a_thousand_are_no_difficulty():
    for length in (1, 1000):
        truth = Synthetic(shortest=length, longest=length)
        found = posteriors(drawn(truth, 1)[0], truth)
        assert np.isfinite(found).all()
        assert np.allclose(found.sum(axis=1), 1)
