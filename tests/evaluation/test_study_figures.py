"""Figures of studies: names and basis stand in them, gaps are no fault, and nothing runs off the sheet."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from crossspace.evaluation.curves import Curve
from crossspace.evaluation.figures.bands import bands_figure
from crossspace.evaluation.figures.degradation import degradation_figure
from crossspace.evaluation.figures.dots import Score, dots_figure
from crossspace.evaluation.figures.heat import heat_figure
from crossspace.evaluation.figures.intervals import Difference, intervals_figure
from crossspace.evaluation.figures.matrix import confusions_figure
from crossspace.evaluation.figures.style import CARD, VERMILLION, canvas, footnote, inline, svg

BASIS = (
    "synthetic, test split, protocol validation, 1 seed, corpus 0123456789ab. ONE SEED: no spread between trainings is "
    "known; a difference may be luck. Columns best-on-test are optimistic: there the test split chose the epoch."
)
NAN = float("nan")


def text_of(figure: Figure) -> str:
    """All words of the figure, in one line; the page and the file must both be well formed."""
    document = svg(figure, "x")
    ElementTree.fromstring(inline(document))
    return " ".join(" ".join(ElementTree.fromstring(document).itertext()).split())


def off_the_sheet(figure: Figure) -> list[str]:
    """Texts that are cut off at the border."""
    FigureCanvasAgg(figure).draw()
    texts = [*figure.texts]
    texts += [t for legend in figure.legends for t in legend.get_texts()]
    for axes in figure.axes:
        low, high = sorted(axes.get_ylim())
        texts += [t for t in axes.get_yticklabels() if low <= t.get_position()[1] <= high]
        texts += [*axes.texts, axes.title, axes._left_title, axes.xaxis.label]
    sheet = figure.bbox.padded(1.0)
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts if t.get_visible() and t.get_text().strip()]
    return [
        text for text, box in boxes if box.x0 < sheet.x0 or box.y0 < sheet.y0 or box.x1 > sheet.x1 or box.y1 > sheet.y1
    ]


def dots(count: int) -> Figure:
    made = [
        Score(50.0 + i % 4, (45.0, 60.0) if i else None, [49.0, 51.0], 55.0 if i % 2 else None) for i in range(count)
    ]
    names = [f"variant-{i}" for i in range(count)]
    return dots_figure(names, {"Weighted F1": made, "Accuracy": made}, basis=BASIS, warning=True, reference=0)


def differences(count: int) -> Figure:
    made = [
        Difference(f"variant-{i}", 0.1 * i, (-1.0, 1.0 + i) if i else None, 0.0001 * i, i % 2 == 1)
        for i in range(count)
    ]
    return intervals_figure(made, reference="full", quantity="Weighted F1", basis=BASIS, warning=True)


def heat(rows: int = 2, columns: int = 3) -> Figure:
    values = np.arange(rows * columns, dtype=float).reshape(rows, columns) + 60
    values[0, 0] = NAN
    spreads = np.full_like(values, 0.7)
    spreads[-1, -1] = NAN
    return heat_figure(
        values, spreads, ("order", range(rows)), ("rank", range(columns)), quantity="Weighted F1 (%)", basis=BASIS
    )


def degradation(seeds: int = 2) -> Figure:
    scores = 70 - np.arange(seeds * 3, dtype=float).reshape(seeds, 3)
    curves = {"text": ([0.1, 0.5, 1.0], scores), "any one": ([0.1, 0.5, 0.9], scores - 1)}
    floor = ("always the most frequent emotion", 20.0)
    return degradation_figure(curves, [71.0] * seeds, ylabel="Weighted F1 (%)", basis=BASIS, floor=floor)


def curve(name: str, n: int = 20) -> Curve:
    return Curve(name, np.arange(n) + 0.5, np.linspace(2, 1, n), np.full(n, 0.1), 1)


def bands(count: int = 2) -> Figure:
    names = [f"variant-{i}" for i in range(count)]
    panels = {loss: {n: curve(n) for n in names} for loss in ("L1 fused", "L2 unimodal, text", "L3", "L4", "L5")}
    del panels["L1 fused"]["variant-0"]
    notes = {"L1 fused": ["variant-1: 3.2 %"]}
    return bands_figure(panels, ylabel="loss (nats)", basis=BASIS, warning=True, notes=notes)


def confusions(count: int = 3, classes: int = 4) -> Figure:
    counts = np.random.default_rng(0).integers(0, 90, (count, classes, classes))
    labels = [f"class-{i}" for i in range(classes)]
    return confusions_figure({f"variant-{i}": c for i, c in enumerate(counts)}, labels, basis=BASIS)


FIGURES = {
    "dots": (
        lambda: dots(3),
        ("variant-0", "variant-2", "Weighted F1 (%)", "Accuracy (%)", "axis cut", "published", "one seed"),
    ),
    "differences": (lambda: differences(3), ("variant-0", "variant-2", "difference to full", "p < 0.001")),
    "heat": (heat, ("order", "rank", "Weighted F1 (%)", "–", "± 0.7", "65.0")),
    "degradation": (degradation, ("text", "any one", "always the most frequent emotion", "missing")),
    "bands": (bands, ("variant-0", "variant-1", "L2 unimodal, text", "loss (nats)", "variant-1: 3.2 %")),
    "confusions": (confusions, ("variant-0", "variant-2", "class-3", "truth", "predicted")),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_holds_its_names_and_what_it_rests_on(name: str) -> None:
    make, expected = FIGURES[name]
    found = text_of(make())
    assert all(piece in found for piece in (*expected, BASIS)), found


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_of_a_figure_is_cut_off(name: str) -> None:
    assert off_the_sheet(FIGURES[name][0]()) == []


@pytest.mark.parametrize("make", [lambda: dots(25), lambda: differences(30), lambda: bands(12), lambda: heat(6, 2)])
def test_nothing_is_cut_off_with_many_variants_or_a_narrow_sheet(make) -> None:
    assert off_the_sheet(make()) == []


@pytest.mark.parametrize("make", [dots, differences])
def test_more_variants_make_a_taller_sheet_on_which_names_keep_apart(make) -> None:
    heights = [make(count).get_figheight() for count in (2, 8, 20)]
    assert heights == sorted(heights) and heights[2] > 2 * heights[0]
    figure = make(24)
    FigureCanvasAgg(figure).draw()
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert len(boxes) == 24
    assert all(upper.y0 > lower.y1 for upper, lower in itertools.pairwise(boxes))


def spread_over(scores: list[Score]) -> tuple[float, float]:
    low, high = dots_figure(["x"] * len(scores), {"F1": scores}, basis=BASIS).axes[0].get_xlim()
    return low, high


def test_an_axis_shows_where_the_variants_lie_and_says_that_it_is_cut() -> None:
    near = [Score(80.0 + i / 10, (79.0 + i / 10, 81.0 + i / 10), [79.5, 80.5]) for i in range(8)]
    low, high = spread_over(near)
    assert 77 < low < 79 and 81.7 < high < 83
    said = text_of(dots_figure(["x"] * 8, {"F1": near}, basis=BASIS))
    assert f"axis cut: {low:.1f} to {high:.1f} of 0 to 100" in said
    whole = [Score(50.0, (1.0, 99.0), [1.0, 99.0]) for _ in range(3)]
    assert spread_over(whole) == (0, 100)
    assert "axis cut" not in text_of(dots_figure(["x"] * 3, {"F1": whole}, basis=BASIS))


@pytest.mark.parametrize("far", [Score(20.0, (18.0, 23.5), [19.0, 21.0]), Score(80.3, None, [80.1, 5.0, 80.4])])
def test_one_outlier_does_not_squeeze_the_others_and_its_value_stands_at_the_border(far: Score) -> None:
    near = [Score(80.0 + i / 10, (79.0 + i / 10, 81.0 + i / 10), [79.5, 80.5]) for i in range(8)]
    low, high = spread_over([*near, far])
    assert low > 77 and high < 83
    figure = dots_figure(["x"] * 9, {"F1": [*near, far]}, basis=BASIS)
    assert ("20.0 (18.0 to 23.5)" if far.value < 50 else "seed 5.0") in text_of(figure)
    assert off_the_sheet(figure) == []


def test_a_score_of_nothing_or_of_everything_stays_on_the_axis() -> None:
    for value in (0.0, 100.0):
        low, high = spread_over([Score(value)])
        assert 0 <= low <= value <= high <= 100 and high > low


def test_missing_numbers_are_no_fault() -> None:
    assert "variant" in text_of(dots_figure(["variant"], {"F1": [Score(NAN, None, [])]}, basis=BASIS))
    difference = Difference("variant", NAN, None, None, False)
    assert "variant" in text_of(intervals_figure([difference], reference="r", quantity="F1", basis=BASIS))
    empty = np.full((2, 2), NAN)
    with np.errstate(all="raise"):
        found = heat_figure(empty, empty, ("a", [1, 2]), ("b", [1, 2]), quantity="F1", basis=BASIS)
    assert text_of(found).count("–") == 4
    assert "L1" in text_of(bands_figure({"L1": {"variant": curve("variant")}}, ylabel="y", basis=BASIS))


@pytest.mark.filterwarnings("error")
def test_an_empty_grid_gives_no_warning() -> None:
    empty = np.full((1, 1), NAN)
    heat_figure(empty, empty, ("a", [1]), ("b", [1]), quantity="F1", basis=BASIS)


def test_a_single_seed_has_a_line_without_a_band() -> None:
    assert "any one" in text_of(degradation(seeds=1))


def test_filled_points_are_those_whose_interval_excludes_zero() -> None:
    made = [
        Difference("up", 1.0, (0.5, 1.5), 0.01, True),
        Difference("no", 0.1, (-0.5, 0.7), 0.8, False),
        Difference("none", 1.0, None, None, False),
    ]
    axes = intervals_figure(made, reference="r", quantity="F1", basis=BASIS).axes[0]
    points = {line.get_ydata()[0]: line.get_markerfacecolor() for line in axes.lines if line.get_marker() == "o"}
    assert points[0] != CARD and points[1] == points[2] == CARD


def test_a_difference_far_from_all_others_stands_at_the_border_and_zero_stays_in_sight() -> None:
    near = [Difference(f"v{i}", 0.1 * i, (-1.0, 1.0 + 0.1 * i), 1.0, False) for i in range(6)]
    figure = intervals_figure(
        [*near, Difference("far", -18.0, (-27.0, -9.0), 0.0001, True)], reference="r", quantity="F1", basis=BASIS
    )
    low, high = figure.axes[0].get_xlim()
    assert -4 < low < 0 < high < 4
    assert "−18.0 (−27.0 to −9.0)" in text_of(figure) and off_the_sheet(figure) == []
    alike = [Difference("a", 5.0, (4.0, 6.0), 0.01, True), Difference("b", 5.1, (4.2, 6.1), 0.01, True)]
    low, high = intervals_figure(alike, reference="r", quantity="F1", basis=BASIS).axes[0].get_xlim()
    assert low < 0 < 6.1 <= high


def test_a_footnote_is_printed_whole_and_as_a_warning_where_it_is_one() -> None:
    for width in (3.0, 7.6):
        figure, _ = canvas(width, 3.0)
        footnote(figure, BASIS, warning=True)
        assert figure._supxlabel.get_color() == VERMILLION
        assert BASIS in text_of(figure) and off_the_sheet(figure) == []


def test_names_are_never_read_as_formulas_or_markup() -> None:
    name = "<b> $\\frac{ & R&D_%"
    figure = dots_figure([name], {"F1": [Score(50.0)]}, basis=BASIS)
    assert name in text_of(figure)
