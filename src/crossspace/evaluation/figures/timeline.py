"""An example conversation from top to bottom: one lane per speaker, the emotions, and what was said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from crossspace.evaluation.captions import plain, shortened
from crossspace.evaluation.example import Example, Line
from crossspace.evaluation.figures.palette import emotion_colours
from crossspace.evaluation.figures.style import INK, MUTED, ROW, RULE, drawn

_ROW_HEIGHT = 0.245
_TOP, _TOP_SLANTED, _BOTTOM = 0.34, 0.72, 0.3
_MOST_LANES = 6
_OTHERS = "others"
_CHARACTERS = 50


@dataclass(frozen=True)
class _Columns:
    """Where the lanes begin and end, how wide one is at most, and where the words stand, in inches."""

    lanes: tuple[float, float]
    widest: float
    predicted: float
    truth: float
    said: float | None


_WITH_TEXT = _Columns((0.5, 2.15), 0.9, 2.25, 3.2, 4.2)
_WITHOUT_TEXT = _Columns((0.5, 5.2), 2.2, 5.3, 6.4, None)


@drawn
def timeline_figure(example: Example, labels: Sequence[str]) -> Figure:
    """One row per utterance, in order. In the lane of its speaker stands a bar in the colour of the predicted emotion,
    as long as the confidence; then the names of prediction and truth, and the beginning of the text, if there is one.

    Beyond six speakers, those who say least share a lane.

    Args:
        example: utterances with predictions.
        labels: names of all classes; a label has the same colour in every example.
    """
    columns = _WITH_TEXT if any(plain(line.text or "") for line in example.lines) else _WITHOUT_TEXT
    lanes = _lanes(example.lines, columns)
    slanted = len(set(lanes.values())) > 3
    top = _TOP_SLANTED if slanted else _TOP
    height = top + _ROW_HEIGHT * len(example.lines) + _BOTTOM
    figure = Figure(figsize=(ROW, height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, ROW), ylim=(height, 0))
    axes.axis("off")
    colours = emotion_colours(labels)
    _heading(axes, lanes, top, columns, slanted=slanted, timed=example.lines[0].start is not None)
    for row, line in enumerate(example.lines):
        _row(axes, line, top + (row + 0.5) * _ROW_HEIGHT, lanes, colours, columns, striped=row % 2 == 0)
    note = "A bar is as long as the confidence; a full lane is 100 %."
    axes.text(0.08, height - 0.1, note, color=MUTED, size=7.5, va="center")
    return figure


def _lanes(lines: Sequence[Line], columns: _Columns) -> dict[str, tuple[float, float]]:
    """Left border and width of the lane of every speaker, in order of appearance."""
    spoken = Counter(line.speaker for line in lines)
    own = set(spoken) if len(spoken) <= _MOST_LANES else {s for s, _ in spoken.most_common(_MOST_LANES - 1)}
    names = [speaker for speaker in spoken if speaker in own] + ([_OTHERS] if len(own) < len(spoken) else [])
    left, right = columns.lanes
    pitch = min((right - left) / len(names), columns.widest + 0.06)
    lanes = {name: (left + i * pitch, pitch - 0.06) for i, name in enumerate(names)}
    return {speaker: lanes.get(speaker, lanes.get(_OTHERS, lanes[names[-1]])) for speaker in spoken} | lanes


def _heading(
    axes: Axes, lanes: dict[str, tuple[float, float]], top: float, columns: _Columns, *, slanted: bool, timed: bool
) -> None:
    y = top - 0.1
    shown = {lane: speaker for speaker, lane in lanes.items()}
    for (left, width), speaker in shown.items():
        if slanted:
            name = shortened(speaker, 11)
            axes.text(left + width / 2, y, name, size=8, rotation=40, rotation_mode="anchor", va="center")
        else:
            axes.text(left, y, shortened(speaker, max(4, int(width * 12))), weight="bold", size=8.5, va="bottom")
    axes.text(0.08, y, "time" if timed else "no.", color=MUTED, size=7.5, va="bottom")
    for x, name in ((columns.predicted, "predicted"), (columns.truth, "truth"), (columns.said, "said")):
        if x is None:
            continue
        axes.text(x, y, name, color=MUTED, size=7.5, va="bottom")
    axes.plot([0.08, ROW - 0.08], [top - 0.03, top - 0.03], color=MUTED, linewidth=0.7)


def _row(
    axes: Axes,
    line: Line,
    y: float,
    lanes: dict[str, tuple[float, float]],
    colours: dict[str, str],
    columns: _Columns,
    *,
    striped: bool,
) -> None:
    if striped:
        stripe = Rectangle(
            (0.04, y - _ROW_HEIGHT / 2), ROW - 0.08, _ROW_HEIGHT, facecolor=RULE, alpha=0.28, linewidth=0
        )
        axes.add_patch(stripe)
    when = str(line.number) if line.start is None else f"{int(line.start) // 60}:{int(line.start) % 60:02d}"
    axes.text(0.08, y, when, color=MUTED, size=7.5, va="center")
    left, width = lanes[line.speaker]
    bar, colour = 0.62 * _ROW_HEIGHT, colours.get(line.predicted, MUTED)
    axes.add_patch(Rectangle((left, y - bar / 2), width, bar, facecolor=RULE, alpha=0.7, linewidth=0))
    length = width * line.confidence
    axes.add_patch(Rectangle((left, y - bar / 2), length, bar, facecolor=colour, edgecolor=MUTED, linewidth=0.5))
    weight = "bold" if line.right is False else "normal"
    axes.text(columns.predicted, y, shortened(line.predicted, 12), size=8, va="center", weight=weight)
    _truth(axes, line, columns.truth, y, colours)
    if columns.said is not None:
        said = plain(line.text or "")
        axes.text(columns.said, y, shortened(said, _CHARACTERS), size=8, va="center")


def _truth(axes: Axes, line: Line, x: float, y: float, colours: dict[str, str]) -> None:
    if line.truth is None:
        axes.text(x, y, "not labelled", size=7.5, va="center", color=MUTED)
        return
    side = 0.085
    axes.add_patch(Rectangle((x, y - side / 2), side, side, facecolor=colours.get(line.truth, MUTED), linewidth=0))
    colour, weight = (MUTED, "normal") if line.right else (INK, "bold")
    axes.text(x + 0.14, y, shortened(line.truth, 12), size=8, va="center", color=colour, weight=weight)
