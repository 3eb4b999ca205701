"""Figures: valid and deterministic SVG, colours that stay apart, names that do not overlap."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from crossspace.evaluation.example import Example, Line, choose_example
from crossspace.evaluation.figures.calibration import reliability_figure
from crossspace.evaluation.figures.matrix import confusion_figure
from crossspace.evaluation.figures.palette import emotion_colours, line_styles
from crossspace.evaluation.figures.style import inline, svg
from crossspace.evaluation.figures.timeline import timeline_figure
from crossspace.evaluation.figures.training import _apart
from crossspace.evaluation.illustrations import illustrations
from crossspace.evaluation.run_folder import RunRecord

MELD = ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger")
NASTY = ("<script>alert(1)</script>", "a & b", "$\\frac{", "愤怒")


def text_of(document: str) -> str:
    return " ".join(ElementTree.fromstring(document).itertext())


def test_every_figure_is_valid_svg_without_outside_requests(run_folder: Path) -> None:
    record = RunRecord.read(run_folder)
    for picture in illustrations(record, choose_example(record.predictions, seed=0)):
        document = svg(picture.figure, picture.name)
        ElementTree.fromstring(document)
        assert "http" not in document.replace("http://www.w3.org/", "")
        assert "http" not in inline(document)


def test_the_same_figure_gives_the_same_bytes() -> None:
    counts = np.arange(9).reshape(3, 3)
    first, second = (svg(confusion_figure(counts, ("a", "b", "c")), "x") for _ in range(2))
    assert first == second


def test_ids_differ_between_figures_of_one_page() -> None:
    figure = reliability_figure({"confidence": [0.5, 0.9], "accuracy": [0.4, 0.8]})
    ids = [{e.get("id") for e in ElementTree.fromstring(svg(figure, name)).iter()} - {None} for name in ("a", "b")]
    assert ids[0] and not ids[0] & ids[1]


def test_confusion_matrix_prints_percent_of_the_row_and_counts() -> None:
    shown = text_of(svg(confusion_figure([[30, 10], [0, 0]], ("yes", "no")), "x"))
    for piece in ("75 %", "30", "25 %", "10", "0 %", "yes", "no", "truth", "predicted"):
        assert piece in shown


def test_names_and_texts_are_escaped_and_never_read_as_formulas() -> None:
    lines = tuple(Line(i + 1, name, name, 0.5, truth=name, text=name) for i, name in enumerate(NASTY))
    example = Example("c", 0, lines, len(lines), 0, len(lines))
    for figure in (timeline_figure(example, NASTY), confusion_figure(np.eye(4), NASTY)):
        document = svg(figure, "x")
        assert "<script>alert" not in document
        assert "a & b" in text_of(document)
        assert "愤怒" in text_of(document)


def test_what_somebody_said_is_not_taken_for_drawing_code() -> None:
    said = "my id=\"x\" url(#y) #0072b2 'DejaVu Sans'"
    example = Example("c", 0, (Line(1, "A", "joy", 0.5, text=said),), 1, 0, 0)
    document = svg(timeline_figure(example, MELD), "x")
    assert said in text_of(document)
    assert said in text_of(inline(document))


@pytest.mark.parametrize("speakers", [1, 2, 6, 12])
def test_timeline_shows_every_utterance_for_any_number_of_speakers(speakers: int) -> None:
    lines = tuple(Line(i + 1, f"P{i % speakers}", "joy", 0.7, text=f"words {i} of it") for i in range(24))
    shown = text_of(svg(timeline_figure(Example("c", 0, lines, 24, 0, 0), MELD), "x"))
    assert all(f"words {i} of it" in shown for i in range(24))
    assert "not labelled" in shown
    assert ("others" in shown) == (speakers > 6)


@pytest.mark.parametrize("labels", [MELD, ("negative", "positive"), ("joy", "happy", "happiness", "glad")])
def test_each_emotion_has_a_colour_of_its_own(labels: tuple[str, ...]) -> None:
    colours = emotion_colours(labels)
    assert list(colours) == list(labels)
    assert len(set(colours.values())) == len(labels)


def test_lines_differ_in_dash_as_well_as_in_colour() -> None:
    styles = line_styles(("a", "b", "c", "d", "e")).values()
    assert len({str(style["linestyle"]) for style in styles}) == len({style["color"] for style in styles}) == 5


def test_names_at_line_ends_keep_their_distance_and_their_order() -> None:
    for wanted in ([0.5, 0.5, 0.5], [0.0, 0.01, 1.0], [0.97, 0.98, 1.0], [0.2, 0.6, 0.9]):
        placed = _apart(np.array(wanted), 0.1)
        assert (np.diff(placed) >= 0.1 - 1e-9).all()
        assert placed[-1] <= 1 + 1e-9 and placed[0] >= -0.11
    assert _apart(np.array([0.2, 0.6, 0.9]), 0.1) == pytest.approx([0.2, 0.6, 0.9])


def test_the_example_is_representative_and_not_the_best(run_folder: Path) -> None:
    record = RunRecord.read(run_folder)
    example = choose_example(record.predictions, seed=0)
    overall = record.results["metrics"]["accuracy"]["values"][0]
    assert example is not None
    assert abs(example.right / example.labelled - overall) < 0.15
    assert choose_example(record.predictions, seed=99) is None
    assert choose_example(record.predictions.drop_columns("speaker"), seed=0) is None
