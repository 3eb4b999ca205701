"""Tables 1 and 2 of the paper: printed as they are, checked by arithmetic, and beside what was reproduced."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossspace.models import MODELS
from crossspace.recipes import recipe_names
from crossspace.studies import published
from crossspace.studies.published import (
    PublishedRow,
    PublishedTable,
    paper_tables,
    published_scores,
    published_tables,
)
from crossspace.studies.results import StudyRecord

pytestmark = pytest.mark.long

TABLES = published_tables()


def weighted(values: Any, support: Any) -> float:
    return float(np.average(values, weights=support))


@pytest.mark.parametrize("settings", TABLES)
def test_every_row_has_a_figure_for_every_class(settings: str) -> None:
    table = TABLES[settings]
    assert all(len(r.f1) == len(r.precision) == len(table.labels) == len(table.support) for r in table.rows.values())
    assert all(0 <= x <= 100 for r in table.rows.values() for x in [*r.f1, r.accuracy, r.weighted_f1])


def test_all_thirteen_rows_are_there() -> None:
    assert len(TABLES["iemocap"].rows) == 13 and len(TABLES["meld"].rows) == 11
    assert set(TABLES["iemocap"].rows) - set(TABLES["meld"].rows) == {"cmn", "icon"}
    assert sum(TABLES["iemocap"].support) == 1623 and sum(TABLES["meld"].support) == 2610
    assert published_scores("css") == {"iemocap": (75.42, 75.66), "meld": (68.47, 67.41)}
    assert published_scores("nobody") == {}


# Of these the printed classes do not give the printed whole, as printed.
DISAGREE = {("iemocap", "mpt-hcl"): 71.11, ("meld", "mpt-hcl"): 65.62, ("iemocap", "css"): 75.57}


@pytest.mark.parametrize(("settings", "model"), [(s, m) for s, t in TABLES.items() for m in t.rows])
def test_the_classes_weighted_by_support_give_the_whole(settings: str, model: str) -> None:
    table = TABLES[settings]
    whole = weighted(table.rows[model].f1, table.support)
    assert whole == pytest.approx(DISAGREE.get((settings, model), table.rows[model].weighted_f1), abs=0.011)


def test_the_columns_of_table_2_are_right_in_this_order_alone() -> None:
    table = TABLES["meld"]
    row = table.rows["css"]
    fitting = [
        order for order in permutations(range(7)) if abs(weighted(row.f1, np.take(table.support, order)) - 67.41) < 0.02
    ]
    assert tuple(range(7)) in fitting
    # Other orders fit one row by chance; this one fits all that are consistent.
    others = [m for m in table.rows if ("meld", m) not in DISAGREE]
    right = [
        order
        for order in fitting
        if all(
            abs(weighted(table.rows[m].f1, np.take(table.support, order)) - table.rows[m].weighted_f1) < 0.02
            for m in others
        )
    ]
    assert right == [tuple(range(7))]


def test_the_column_called_accuracy_is_precision() -> None:
    # Of recall the mean weighted by support is the accuracy.
    for settings, printed in (("iemocap", 76.19), ("meld", 67.29)):
        row = TABLES[settings].rows["css"]
        mean = weighted(row.precision, TABLES[settings].support)
        assert mean == pytest.approx(printed, abs=0.01) and abs(mean - row.accuracy) > 0.5


def test_every_model_of_the_package_that_was_published_has_a_recipe_for_its_corpus() -> None:
    for settings, table in TABLES.items():
        for model in set(table.rows) & set(MODELS):
            assert any(name.startswith(f"{model}-{settings}") for name in recipe_names()), (model, settings)


@pytest.fixture
def record(finished_study: Path, broken_study: Path, monkeypatch: pytest.MonkeyPatch) -> StudyRecord:
    """The study of one seed with twins and a failure, as if the paper had a table of its corpus."""
    read = StudyRecord.read(broken_study)
    labels = [label.lower() for label in reversed(read.labels)]
    row = PublishedRow(70.5, 71.25, [28.1 * i for i in range(len(labels))], [None] * len(labels))
    notes = {"precision": "a note on Precision", "order": "a note on Order", "mpt-hcl": "a note on MPT-HCL"}
    table = PublishedTable(2, labels, [1] * len(labels), {"css": row, "mpt-hcl": row}, "Somebody, 2030", notes)
    monkeypatch.setattr(published, "published_tables", lambda: {"there": table})
    return replace(read, study=replace(read.study, settings="there"))


def test_rows_of_the_paper_stand_beside_those_that_were_reproduced(record: StudyRecord) -> None:
    (table,) = paper_tables(record)
    labels = published.published_tables()["there"].labels
    assert [row[:2] for row in table.rows[:3]] == [
        ["CSS", "published"],
        ["Fine", "reproduced, validation"],
        ["Fine", "reproduced, best-on-test"],
    ]
    name, reason = table.rows[3][:2]
    assert name == "broken" and reason.startswith("not run: ") and "finite" in reason
    assert table.rows[4][:2] == ["MPT-HCL (reconstructed)", "published"] and len(table.rows) == 5
    assert table.rows[0][2:6] == ["0.00", "–", "28.10", "–"] and table.rows[0][-2:] == ["70.50", "71.25"]
    lines = list(csv.DictReader(io.StringIO(table.csv())))
    fine = record.variants[0]
    for label in labels:
        measured = next(v for k, v in fine.results["per_class"].items() if k.lower() == label)
        assert float(lines[1][f"{label}_f1"]) == measured["f1"]["mean"]
        place = 2 + 2 * labels.index(label)
        assert table.rows[1][place] == f"{100 * measured['precision']['mean']:.2f}"
        assert table.groups[place : place + 2] == [label, label]
    assert lines[2]["protocol"] == "best-on-test" and lines[0]["weighted_f1"] == "0.7125"
    assert all(len(x) <= 6 for name, x in lines[0].items() if name.endswith("_precision")), "0.3, and not 0.30000000004"
    notes = [note[1:] for note in published.published_tables()["there"].notes.values()]
    assert all(note in table.caption for note in notes), "letter for letter but for the first"


def test_a_corpus_with_other_labels_has_no_table_of_the_paper(record: StudyRecord) -> None:
    other = replace(record, study=replace(record.study, settings="elsewhere"))
    assert not list(paper_tables(other))
    assert not list(paper_tables(StudyRecord.read(record.folder)))
