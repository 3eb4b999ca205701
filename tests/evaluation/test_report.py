"""The report: complete, self-contained, honest about its protocol, safe against what texts contain."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from crossspace.errors import CrossspaceError
from crossspace.evaluation.report import write_report

SECTIONS = ("overall", "classes", "confusion", "training", "calibration", "timeline", "setup", "repeat")
FIGURES = ("confusion", "loss-fused", "loss-unimodal", "loss-distillation", "gamma", "cosines", "epochs")
VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Tags, ids and references of a page; ``open`` is empty when every tag was closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.ids += [v for k, v in attrs if k == "id" and v]
        self.references += [v for k, v in attrs if k in ("src", "href", "xlink:href", "action", "data") and v]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def page(run_folder: Path) -> str:
    return write_report(run_folder).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def nasty(write_run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nasty")
    write_run(
        folder,
        seeds=1,
        labels=("<script>x</script>", "a|b"),
        texts=("<script>alert(1)</script>", "\x00\x1b[31m\nred", ""),
        speakers=("<img src=x onerror=alert(1)>", "B"),
        protocol="best-on-test",
        balanced=False,
        objectives=("../../<script>",),
        timed=False,
        recipe=None,
        corpus="</title><script>alert(2)</script>",
        epochs=3,
    )
    write_report(folder)
    return folder


def test_report_contains_every_section(page: str) -> None:
    assert [i for i in Page(page).ids if i in SECTIONS] == list(SECTIONS)
    for phrase in (
        "Protocol: validation",
        "css-iemocap-paper",
        "SD",
        "95 % interval",
        "44,144,723",
        "9f2c1e7ab04d5566",
    ):
        assert phrase in page
    for label in ("happy", "frustrated"):
        assert label in page


def test_report_asks_nothing_of_the_outside(page: str) -> None:
    found = Page(page)
    assert all(reference.startswith("#") for reference in found.references)
    assert not {"script", "link", "img", "iframe"} & set(found.tags)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)


def test_report_is_well_formed_and_ids_are_unique(page: str) -> None:
    found = Page(page)
    assert found.open == []
    assert len(found.ids) == len(set(found.ids))
    targets = {reference[1:] for reference in found.references} | set(re.findall(r"url\(#([^)]+)\)", page))
    assert targets <= set(found.ids)


def test_report_suits_dark_pages_print_and_phones(page: str) -> None:
    for feature in ("prefers-color-scheme:dark", "@media print", 'name="viewport"', "var(--ink,"):
        assert feature in page


def test_markdown_says_the_same_and_shows_figures_that_exist(run_folder: Path, page: str) -> None:
    text = (run_folder / "report.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\((figures/[^)]+)\)", text)
    assert len(shown) == len(FIGURES) + 2
    assert all((run_folder / name).is_file() for name in shown)
    assert {f"figures/{name}.svg" for name in FIGURES} <= set(shown)
    numbers = re.findall(r"\| Weighted F1 \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) to ([\d.]+) \|", text)
    assert all(number in page for number in numbers[0])


def test_several_seeds_under_validation_carry_no_warning(page: str, run_folder: Path) -> None:
    assert "Warning" not in page
    assert "Warning" not in (run_folder / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_best_on_test_and_a_single_seed_are_warned_of(nasty: Path, name: str) -> None:
    text = (nasty / name).read_text(encoding="utf-8")
    for phrase in ("Warning. Protocol: best-on-test", "optimistic", "Warning. One seed"):
        assert phrase in text


@pytest.mark.parametrize("name", ["report.html", "report.md"])
def test_markup_in_texts_labels_and_names_is_shown_and_not_obeyed(nasty: Path, name: str) -> None:
    text = (nasty / name).read_text(encoding="utf-8")
    assert "<script" not in text
    assert "<img" not in text
    assert "&lt;script&gt;" in text
    assert "\x00" not in text and "\x1b" not in text


def test_labels_with_a_bar_do_not_break_markdown_tables(nasty: Path) -> None:
    rows = [line for line in (nasty / "report.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    assert any("a\\|b" in row for row in rows)


def test_figures_stay_in_their_folder_whatever_objectives_are_called(nasty: Path) -> None:
    assert sorted(p.name for p in nasty.iterdir() if p.suffix == ".svg") == []
    assert (nasty / "figures" / "loss--------script-.svg").is_file()


def test_what_a_run_does_not_hold_is_left_out(nasty: Path) -> None:
    text = (nasty / "report.html").read_text(encoding="utf-8")
    assert "Weights of the objectives" not in text
    assert "Agreement of gradients" not in text
    assert "SD over seeds" not in text
    assert not (nasty / "figures" / "gamma.svg").exists()


def test_scores_of_a_single_seed_are_not_told_twice(nasty: Path, page: str) -> None:
    text = (nasty / "report.html").read_text(encoding="utf-8")
    assert "Each seed" in page and "Each seed" not in text
    for found in (page, text):
        assert "Always answering" in found and found.count('<ul class="tiles">') == 1
    assert text.count("Unweighted average recall") == 1 and page.count("Unweighted average recall") == 2


def test_a_run_without_history_has_no_training_section(write_run, tmp_path: Path) -> None:
    write_run(tmp_path, seeds=2, conversations=6)
    (tmp_path / "history.jsonl").write_text("")
    found = Page(write_report(tmp_path).read_text(encoding="utf-8"))
    assert "training" not in found.ids
    assert "timeline" in found.ids


def test_writing_a_report_again_gives_the_same_bytes(run_folder: Path, page: str) -> None:
    assert write_report(run_folder).read_text(encoding="utf-8") == page


def test_a_failed_write_leaves_the_old_report(run_folder: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("crossspace.runtime.os.replace", full)
    with pytest.raises(CrossspaceError, match="No space left"):
        write_report(run_folder)
    assert (run_folder / "report.html").read_text(encoding="utf-8") == page
