"""Models tested with modalities missing: who misses what, and what is then predicted."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest

from crossspace.data.corpus import Corpus
from crossspace.inference.infer import infer
from crossspace.predict import Predictor
from crossspace.studies.conditions import (
    ANY,
    condition_name,
    conditions_of,
    hidden,
    parse_condition,
    predictions_under,
)

MODALITIES = ("text", "audio", "visual")
RATES = tuple(n / 10 for n in range(1, 10))


@pytest.fixture(scope="module")
def predictor(finished_run: Path) -> Predictor:
    return Predictor.from_pretrained(finished_run / "seed-0")


@pytest.mark.parametrize("modality", [*MODALITIES, ANY])
def test_who_misses_a_modality_at_one_rate_misses_it_at_every_higher_one(modality: str) -> None:
    masks = [hidden(modality, rate, 500, MODALITIES, seed=3) for rate in (*RATES, 1.0)]
    for lower, higher in itertools.pairwise(masks):
        assert all((lower[m] <= higher[m]).all() for m in MODALITIES)


@pytest.mark.parametrize("rate", RATES)
def test_the_rate_is_the_share_of_utterances_that_miss_something(rate: float) -> None:
    for modality in (*MODALITIES, ANY):
        mask = np.stack(list(hidden(modality, rate, 4000, MODALITIES).values()))
        assert mask.any(0).mean() == pytest.approx(rate, abs=0.03)


@pytest.mark.parametrize("rate", [0.3, 1.0])
def test_any_hides_exactly_one_modality_of_every_chosen_utterance_and_each_as_often(rate: float) -> None:
    mask = hidden(ANY, rate, 6000, MODALITIES)
    count = sum(mask.values())
    assert set(np.unique(count)) <= {0, 1}
    assert [m.sum() / count.sum() for m in mask.values()] == pytest.approx([1 / 3] * 3, abs=0.05)


def test_one_modality_hides_nothing_else_and_the_rate_one_hides_it_throughout() -> None:
    for modality in MODALITIES:
        mask = hidden(modality, 1.0, 50, MODALITIES)
        assert {m: (m == modality) for m in MODALITIES} == {m: bool(x.all()) for m, x in mask.items()}
        assert not any(x.any() for m, x in mask.items() if m != modality)
        assert not any(x.any() for x in hidden(modality, 0.0, 50, MODALITIES).values())


def test_draws_are_those_of_their_seed() -> None:
    first, again, other = (hidden("text", 0.5, 100, MODALITIES, seed)["text"] for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_conditions_are_every_modality_and_any_at_every_rate_and_each_missing_throughout() -> None:
    found = conditions_of(("text", "audio"), (0.5, 1.0))
    assert found == [("text", 0.5), ("audio", 0.5), (ANY, 0.5), ("text", 1.0), ("audio", 1.0)]
    assert [parse_condition(condition_name(*c)) for c in found] == found
    assert parse_condition(condition_name("a@b", 0.25)) == ("a@b", 0.25)


def test_predictions_at_rate_one_are_those_of_the_other_modalities(predictor: Predictor, tiny_corpus: Corpus) -> None:
    table = predictions_under(predictor, tiny_corpus, (0.5,), seed=0)
    batches = list(predictor.batches(tiny_corpus, "test"))
    labels = predictor.task.labels
    for modality in MODALITIES:
        others = [m for m in MODALITIES if m != modality]
        expected = infer(predictor.model, [b.keep(others) for b in batches]).probabilities.argmax(1)
        found = table.filter(pc.equal(table["condition"], condition_name(modality, 1.0)))
        assert found["label"].to_pylist() == [labels[i] for i in expected]


def test_predictions_name_condition_seed_split_utterance_and_truth(predictor: Predictor, tiny_corpus: Corpus) -> None:
    table = predictions_under(predictor, tiny_corpus, (0.25, 0.5), seed=7)
    rows, conditions = sum(tiny_corpus.lengths("test")), conditions_of(MODALITIES, (0.25, 0.5))
    assert table.num_rows == rows * len(conditions)
    assert pc.unique(table["condition"]).to_pylist() == [condition_name(*c) for c in conditions]
    assert set(table["seed"].to_pylist()) == {7} and set(table["split"].to_pylist()) == {"test"}
    first = table.slice(0, rows)
    for column, name in (("utterance_id", "utterance_id"), ("truth", "label")):
        assert first[column].to_pylist() == tiny_corpus.utterances("test")[name].to_pylist()


def test_a_mask_leaves_the_batches_of_the_corpus_as_they_are(predictor: Predictor, tiny_corpus: Corpus) -> None:
    before = [{m: p.clone() for m, p in b.present.items()} for b in predictor.batches(tiny_corpus, "test")]
    predictions_under(predictor, tiny_corpus, (0.5,), seed=0)
    for batch, old in zip(predictor.batches(tiny_corpus, "test"), before, strict=True):
        assert all((batch.present[m] == old[m]).all() for m in old)
