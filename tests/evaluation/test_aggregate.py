"""A prediction table becomes the content of results.json."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import f1_score

from crossspace.errors import DataError
from crossspace.evaluation.aggregate import aggregate
from crossspace.evaluation.scores import METRICS


@pytest.fixture(scope="module")
def table(predictions_table) -> pa.Table:
    return predictions_table(seeds=3)


@pytest.fixture(scope="module")
def labels(table: pa.Table) -> list[str]:
    return [name[2:] for name in table.column_names if name.startswith("p_")]


@pytest.fixture(scope="module")
def results(table: pa.Table, labels: list[str]) -> dict:
    return aggregate(table, labels, protocol="validation", resamples=500)


def test_results_survive_json_and_have_every_key(results: dict, labels: list[str]) -> None:
    assert json.loads(json.dumps(results, allow_nan=False)) == results
    assert (results["protocol"], results["split"], results["seeds"]) == ("validation", "test", [0, 1, 2])
    assert list(results["metrics"]) == list(METRICS)
    assert list(results["per_class"]) == labels
    assert set(results["per_class"][labels[0]]) == {"precision", "recall", "f1", "support"}


def test_values_of_each_seed_are_those_of_scikit_learn(table: pa.Table, results: dict) -> None:
    for seed, value in zip(results["seeds"], results["metrics"]["weighted_f1"]["values"], strict=True):
        rows = table.filter(pc.and_(pc.equal(table["seed"], seed), pc.is_valid(table["truth"])))
        truth, predicted = rows["truth"].to_pylist(), rows["label"].to_pylist()
        assert value == pytest.approx(f1_score(truth, predicted, average="weighted"))


def test_mean_standard_deviation_and_interval_fit_the_values(results: dict) -> None:
    for metric in results["metrics"].values():
        assert metric["mean"] == pytest.approx(np.mean(metric["values"]))
        assert metric["std"] == pytest.approx(np.std(metric["values"], ddof=1))
        assert metric["interval"][0] < metric["mean"] < metric["interval"][1]


def test_rows_of_the_confusion_matrix_sum_to_the_supports(results: dict) -> None:
    supports = [scores["support"] for scores in results["per_class"].values()]
    assert np.sum(results["confusion"], axis=1) == pytest.approx(supports)


def test_order_of_rows_does_not_matter(table: pa.Table, labels: list[str], results: dict) -> None:
    shuffled = table.take(np.random.default_rng(0).permutation(table.num_rows))
    again = aggregate(shuffled, labels, protocol="validation", resamples=500)
    assert again["metrics"] == results["metrics"]
    assert again["confusion"] == results["confusion"]


def test_one_seed_has_an_interval_and_no_standard_deviation(predictions_table, labels: list[str]) -> None:
    found = aggregate(predictions_table(seeds=1), labels, protocol="validation", resamples=100)["metrics"]["accuracy"]
    assert found["std"] is None
    assert len(found["interval"]) == 2


def test_other_splits_are_not_scored(table: pa.Table, labels: list[str], results: dict) -> None:
    other = table.set_column(table.column_names.index("split"), "split", pa.array(["train"] * table.num_rows))
    both = aggregate(pa.concat_tables([table, other]), labels, protocol="validation", resamples=500)
    assert both == results
    with pytest.raises(DataError, match="'test'"):
        aggregate(other, labels, protocol="validation")


def test_calibration_is_left_out_where_there_are_no_probabilities(table: pa.Table, labels: list[str]) -> None:
    bare = table.drop_columns([f"p_{label}" for label in labels])
    assert "calibration" not in aggregate(bare, labels, protocol="validation", resamples=50)


def test_unknown_labels_missing_columns_and_uneven_seeds_are_named(table: pa.Table, labels: list[str]) -> None:
    with pytest.raises(DataError, match="'frustrated'"):
        aggregate(table, labels[:-1], protocol="validation")
    with pytest.raises(DataError, match="Missing: utterance_id"):
        aggregate(table.drop_columns("utterance_id"), labels, protocol="validation")
    with pytest.raises(DataError, match="same utterances"):
        aggregate(table.slice(5), labels, protocol="validation")
