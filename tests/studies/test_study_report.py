"""The report of a study: every table and figure in every form, each saying what it rests on."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import yaml

from crossspace.configuration import make_configuration
from crossspace.data.corpus import Corpus
from crossspace.digests import SUMS
from crossspace.errors import DataError
from crossspace.studies import costs
from crossspace.studies.cost_table import cost_table
from crossspace.studies.folder import StudyFolder
from crossspace.studies.pictures import pictures
from crossspace.studies.report import write_study_report
from crossspace.studies.results import StudyRecord
from crossspace.studies.tables import study_tables
from crossspace.training.devices import Devices

pytestmark = pytest.mark.xdist_group("study report")  # one study serves all of them
TABLES = {"scores", "differences-weighted-f1", "differences-accuracy", "classes", "missing", "oscillation"}
FIGURES = {"scores", "differences", "missing", "losses", "confusions"}
OPTIMISTIC = "reproduced, best-on-test (optimistic): Weighted F1"


class Page(HTMLParser):
    """Addresses and ids of a page, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for key, value in attrs:
            if key in ("src", "href", "xlink:href", "action", "data", "srcset"):
                self.addresses.append(value or "")
            if key == "id":
                self.ids.append(value or "")


def words(path: Path) -> str:
    """The words of an SVG file, in one line."""
    return " ".join(" ".join(ElementTree.fromstring(path.read_text(encoding="utf-8")).itertext()).split())


def values(folder: Path, table: str) -> list[dict[str, str]]:
    with open(folder / "tables" / f"{table}.csv", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def altered(finished_study: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copies the finished study and changes what ``study.yaml`` says."""

    def copy(**changes: object) -> Path:
        folder = tmp_path / "altered"
        shutil.copytree(finished_study, folder, ignore=shutil.ignore_patterns("tables", "figures", "report.*", SUMS))
        path = folder / "study.yaml"
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}, sort_keys=False))
        return folder

    return copy


def test_every_table_and_figure_exists_in_every_form(finished_study: Path) -> None:
    page, text = ((finished_study / f"report.{kind}").read_text(encoding="utf-8") for kind in ("html", "md"))
    assert {p.name for p in (finished_study / "tables").iterdir()} == {
        f"{t}.{k}" for t in TABLES for k in ("csv", "tex")
    }
    assert {p.name for p in (finished_study / "figures").iterdir()} == {
        f"{f}.{k}" for f in FIGURES for k in ("svg", "pdf")
    }
    for table in study_tables(StudyRecord.read(finished_study)):
        assert table.markdown() in text and f'<section id="{table.name}">' in page
        assert (finished_study / "tables" / f"{table.name}.tex").read_text(encoding="utf-8") == table.latex()
    for figure in FIGURES:
        assert f"](figures/{figure}.svg)" in text and f'href="figures/{figure}.pdf"' in page
        assert (finished_study / "figures" / f"{figure}.pdf").read_bytes().startswith(b"%PDF")


def test_the_page_needs_nothing_from_outside_and_its_links_lead_somewhere(finished_study: Path) -> None:
    page = Page((finished_study / "report.html").read_text(encoding="utf-8"))
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert len(page.ids) == len(set(page.ids))
    for address in page.addresses:
        assert "//" not in address and not address.startswith("data:")
        assert address[1:] in page.ids if address.startswith("#") else (finished_study / address).exists()
    assert "url(http" not in (finished_study / "report.html").read_text(encoding="utf-8")


def test_numbers_of_the_tables_are_those_of_the_runs(finished_study: Path) -> None:
    for line in values(finished_study, "scores"):
        results = json.loads((finished_study / "runs" / line["variant"] / "results.json").read_text())
        for metric in ("weighted_f1", "accuracy", "macro_f1", "uar"):
            found = results["metrics"][metric]
            assert float(line[metric]) == found["mean"] and float(line[f"{metric}_std"]) == found["std"]
            assert [float(line[f"{metric}_seed_{s}"]) for s in (0, 1)] == found["values"]
            assert [float(line[f"{metric}_low"]), float(line[f"{metric}_high"])] == found["interval"]
    first = values(finished_study, "scores")[0]
    assert (float(first["published_accuracy"]), float(first["published_weighted_f1"])) == (0.705, 0.715)


def test_differences_are_those_of_the_scores(finished_study: Path) -> None:
    scores = {line["variant"]: line for line in values(finished_study, "scores")}
    for metric in ("weighted_f1", "accuracy"):
        lines = values(finished_study, f"differences-{metric.replace('_', '-')}")
        assert [line["variant"] for line in lines] == ["fixed", "two"]
        for line in lines:
            difference = float(scores[line["variant"]][metric]) - float(scores["full"][metric])
            assert float(line["difference"]) == pytest.approx(difference, abs=1e-12)
            low, high = (float(line[f"{key}_corrected"]) for key in ("low", "high"))
            apart = (low > 0 or high < 0) and float(line["p_holm"]) < 0.05
            assert low <= difference <= high and line["told_apart"] == str(apart) and line["corrected_for"] == "2"


def test_published_figures_stand_beside_those_reproduced(finished_study: Path) -> None:
    text = (finished_study / "report.md").read_text(encoding="utf-8")
    assert "published ACC / F1" in text and "reproduced, validation: Weighted F1" in text and "70.50 / 71.50" in text
    assert "optimistic" not in text
    assert "published" in words(finished_study / "figures" / "scores.svg")


def test_everything_says_split_protocol_seeds_and_corpus(finished_study: Path, tiny_corpus: Corpus) -> None:
    said = f"synthetic, test split, protocol validation, 2 seeds, corpus {tiny_corpus.fingerprint[:12]}."
    assert all(said in table.caption for table in study_tables(StudyRecord.read(finished_study)))
    for figure in FIGURES:
        assert said in words(finished_study / "figures" / f"{figure}.svg")
    assert "ONE SEED" not in (finished_study / "report.html").read_text(encoding="utf-8")


def test_a_loss_that_a_variant_lacks_is_a_gap(finished_study: Path) -> None:
    table = next(t for t in study_tables(StudyRecord.read(finished_study)) if t.name == "oscillation")
    two = next(row for row in table.rows if row[0] == "Two")
    assert dict(zip(table.columns, two, strict=True))["L2 unimodal, visual"] == "–"
    for kind in ("csv", "tex"):
        assert "nan" not in (finished_study / "tables" / f"oscillation.{kind}").read_text(encoding="utf-8")
    assert not re.search(r"\bnan\b", (finished_study / "report.md").read_text(encoding="utf-8"))


def test_every_variant_leads_to_its_own_report(finished_study: Path) -> None:
    addresses = Page((finished_study / "report.html").read_text(encoding="utf-8")).addresses
    assert {f"runs/{name}/report.html" for name in ("full", "fixed", "two")} <= set(addresses)


def test_matrices_shown_first_are_those_of_the_largest_differences_and_the_others_follow(finished_study: Path) -> None:
    record = StudyRecord.read(finished_study)
    reference = record.reference
    right, total = np.zeros_like(reference.counts), reference.counts.sum(-1)
    for label in range(len(record.labels)):
        right[..., label, label] = total[..., label]
    variants = [reference]
    for i in range(8):  # right in more and more conversations, so that the last differs most
        counts = np.where(np.arange(right.shape[1])[None, :, None, None] * 4 < i + 1, right, reference.counts)
        variant = replace(reference.variant, name=f"v{i}")
        variants.append(replace(reference, variant=variant, title=f"Variant {i}", counts=counts))
    made = {p.name: p for p in pictures(replace(record, variants=variants)) if p.section == "classes"}
    compared = replace(record, variants=variants).comparisons["weighted_f1"]
    ranked = sorted(compared, key=lambda name: -abs(compared[name].difference))
    shown = [axes.get_title(loc="left") for axes in made["confusions"].figure.axes]
    others = [axes.get_title(loc="left") for axes in made["confusions-others"].figure.axes]
    assert shown == [reference.title, *(f"Variant {name[1:]}" for name in ranked[:5])]
    assert others == [f"Variant {name[1:]}" for name in ranked[5:]] and made["confusions-others"].folded


def test_missing_modalities_are_reported_by_rate(finished_study: Path) -> None:
    lines = values(finished_study, "missing")
    assert {(line["missing"], float(line["rate"])) for line in lines} == {
        *((m, rate) for m in ("text", "audio", "visual") for rate in (0.5, 1.0)), ("any one", 0.5),
    }  # fmt: skip


def test_names_are_escaped(finished_study: Path) -> None:
    assert r"fixed \| weights" in (finished_study / "report.md").read_text(encoding="utf-8")
    tex = (finished_study / "tables" / "scores.tex").read_text(encoding="utf-8")
    assert "±" not in tex and r"$\pm$" in tex


def test_one_seed_is_said_in_every_table_every_figure_and_on_the_page(broken_study: Path) -> None:
    page = (broken_study / "report.html").read_text(encoding="utf-8")
    made = study_tables(StudyRecord.read(broken_study))
    assert made and all("ONE SEED" in table.caption for table in made)
    assert page.count("ONE SEED") >= 1 + 2 * len(made) - 1
    assert "ONE SEED" in (broken_study / "report.md").read_text(encoding="utf-8")
    figures = list((broken_study / "figures").glob("*.svg"))
    assert figures and all("ONE SEED" in words(path) for path in figures)
    for table in (broken_study / "tables").glob("*.tex"):
        assert "ONE SEED" in table.read_text(encoding="utf-8")
    assert "±" not in " ".join(cell for table in made for row in table.rows for cell in row)


def test_twins_stand_in_columns_that_are_called_optimistic(broken_study: Path) -> None:
    record = StudyRecord.read(broken_study)
    scores = next(t for t in study_tables(record) if t.name == "scores")
    assert OPTIMISTIC in scores.columns and [row[0] for row in scores.rows] == ["Fine"]
    twin = json.loads((broken_study / "runs" / "fine--best-on-test" / "results.json").read_text())
    mean = twin["metrics"]["weighted_f1"]["mean"]
    assert scores.rows[0][scores.columns.index(OPTIMISTIC)] == f"{100 * mean:.2f}"
    assert float(values(broken_study, "scores")[0]["best-on-test_weighted_f1"]) == mean
    page = (broken_study / "report.html").read_text(encoding="utf-8")
    assert OPTIMISTIC in page and "Columns best-on-test are optimistic" in page


def test_what_failed_is_named_and_the_first_that_finished_takes_the_place_of_the_reference(broken_study: Path) -> None:
    for kind in ("html", "md"):
        text = (broken_study / f"report.{kind}").read_text(encoding="utf-8")
        assert "Failed" in text and "broken" in text and "not finite" in text
    assert StudyRecord.read(broken_study).reference.name == "fine"
    assert not (broken_study / "tables" / "differences-weighted-f1.csv").exists()


def test_a_study_under_best_on_test_alone_never_calls_its_columns_validation(altered: Callable[..., Path]) -> None:
    folder = altered()
    for variant in ("full", "fixed", "two"):
        path = folder / "runs" / variant / "results.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "protocol": "best-on-test"}))
    write_study_report(folder)
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "reproduced, best-on-test: Weighted F1" in text and "reproduced, validation" not in text
    assert "the numbers are optimistic" in text and "Protocol BEST-ON-TEST" in words(folder / "figures" / "missing.svg")


def test_what_is_not_finished_is_named_and_left_out(altered: Callable[..., Path], tmp_path: Path) -> None:
    folder = altered()
    (folder / "runs" / "fixed" / "results.json").unlink()
    page = write_study_report(folder, tmp_path / "elsewhere").read_text(encoding="utf-8")
    assert "These variants are left out: fixed." in page and not (folder / "report.html").exists()
    assert [line["variant"] for line in values(tmp_path / "elsewhere", "scores")] == ["full", "two"]
    for variant in ("full", "two"):
        (folder / "runs" / variant / "results.json").unlink()
    with pytest.raises(DataError, match="no finished variant"):
        write_study_report(folder)


def test_a_study_of_which_only_twins_are_finished_has_nothing_to_report(broken_study: Path, tmp_path: Path) -> None:
    shutil.copytree(broken_study, tmp_path / "copy")
    (tmp_path / "copy" / "runs" / "fine" / "results.json").unlink()
    with pytest.raises(DataError, match="no finished variant"):
        StudyRecord.read(tmp_path / "copy")


def test_steps_without_parts_of_losses_have_no_oscillation(altered: Callable[..., Path]) -> None:
    folder = altered()
    for path in folder.glob("runs/*/history.jsonl"):
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        kept = [{k: v for k, v in line.items() if k != "parts"} for line in lines]
        path.write_text("".join(json.dumps(line) + "\n" for line in kept))
    write_study_report(folder)
    assert not (folder / "tables" / "oscillation.csv").exists()
    assert not (folder / "figures" / "losses.svg").exists()


def test_costs_are_the_medians_of_the_rounds(altered: Callable[..., Path]) -> None:
    folder = altered(report=["costs"])
    seconds = {"full": (2.0, 4.0, 30.0), "fixed": (1.0, 2.0, 3.0)}
    StudyFolder(folder).write_costs(
        {
            name: [
                {
                    "parameters": 12345,
                    "seconds_per_epoch": s,
                    "seconds_per_1000": 0.5,
                    "peak_bytes": 2**30,
                    "threads": 1,
                }
                for s in rounds
            ]
            for name, rounds in seconds.items()
        }
    )
    table = next(t for t in study_tables(StudyRecord.read(folder)) if t.name == "costs")
    assert [list(row) for row in table.rows] == [
        ["Full CSS", "12,345", "4", "1.00", "0.5", "1,024"],
        ["Fixed", "12,345", "2", "0.50", "0.5", "1,024"],
    ]
    assert "1 thread; median of 3 rounds" in table.caption and table.values[0]["rounds"] == 3


def test_on_a_corpus_of_the_paper_seconds_stand_beside_those_that_it_states(altered: Callable[..., Path]) -> None:
    folder = altered(report=["costs"])
    cost = {"parameters": 1, "seconds_per_1000": 0.5, "peak_bytes": 2**30, "threads": 1}
    StudyFolder(folder).write_costs(
        {name: [{**cost, "seconds_per_epoch": s}] for name, s in (("full", 4.0), ("fixed", 2.0))}
    )
    record = StudyRecord.read(folder)
    (elsewhere,) = (t for t in study_tables(record) if t.name == "costs")
    assert "to SDT" not in elsewhere.columns
    record.variants[1].variant.configuration.model["name"] = "sdt"
    (table,) = cost_table(replace(record, study=replace(record.study, settings="iemocap")))
    assert table.columns[3:6] == ["ratio", "to SDT", "to SDT, published"]
    # Of the paper: 2.36 s for CSS, 1.70 s for SDT.
    assert [row[3:6] for row in table.rows] == [["1.00", "2.00", "1.39"], ["0.50", "1.00", "1.00"]]
    assert "1 thread; median of 1 round." in table.caption


def test_a_cost_is_measured_and_nothing_is_kept(
    tiny_corpus: Corpus, tiny_tree: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "_SECONDS", 1e-9)
    monkeypatch.chdir(tmp_path)
    found = costs.measure(make_configuration(tiny_tree), tiny_corpus, Devices("cpu", threads=1))
    model = make_configuration(tiny_tree).build_model(tiny_corpus.spec)
    assert found.parameters == sum(p.numel() for p in model.parameters()) and found.threads == 1
    assert found.seconds_per_epoch > 0 and found.seconds_per_1000 > 0 and found.peak_bytes > 2**20
    assert not list(tmp_path.iterdir())


def test_a_damaged_file_of_costs_is_told(altered: Callable[..., Path]) -> None:
    folder = altered()
    for text in ("{", '{"full": 3}', '{"full": [{"peak_byter": 1}]}'):
        (folder / "costs.json").write_text(text)
        with pytest.raises(DataError, match=r"costs\.json: .* is expected"):
            write_study_report(folder)


def test_writing_the_report_again_gives_the_same_bytes(finished_study: Path, tmp_path: Path) -> None:
    write_study_report(finished_study, tmp_path)
    for path in sorted(p for p in tmp_path.rglob("*") if p.is_file()):
        links = os.path.relpath(finished_study / "runs", tmp_path).encode()  # lead to the runs from where the page is
        written = path.read_bytes().replace(links, b"runs")
        assert written == (finished_study / path.relative_to(tmp_path)).read_bytes(), path.name
