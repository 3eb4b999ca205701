"""The confusion matrix, alone or several side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from crossspace.evaluation.captions import shortened, wrapped
from crossspace.evaluation.figures.style import HEAT, INK, canvas, drawn, footnote

_LIGHT_TEXT_FROM = 0.72
"""Share of a row from which white is easier to read on the cell than ink."""


@drawn
def confusion_figure(confusion: ArrayLike, labels: Sequence[str]) -> Figure:
    """Rows are the truth; a cell gives its percentage of the row, and the count below.

    Args:
        confusion: (C, C) counts, or mean counts over seeds; rows truth, columns prediction.
        labels: names of the C classes.
    """
    side = _side(len(labels))
    figure, axes = canvas(side + 0.15, side)
    _matrix(axes, confusion, labels)
    return figure


@drawn
def confusions_figure(
    confusions: Mapping[str, ArrayLike], labels: Sequence[str], *, basis: str, warning: bool = False
) -> Figure:
    """Several matrices side by side, as many in a line as are readable.

    Args:
        confusions: ``{title: (C, C)}``.
        labels: names of the C classes.
        basis: what the figure rests on.
        warning: print that in the colour of a warning.
    """
    side = _side(len(labels))
    across = max(1, min(len(confusions), int(10.5 / (side + 0.3))))
    down = -(-len(confusions) // across)
    figure = Figure(figsize=(across * (side + 0.3), 0.3 + down * (side + 0.2)), layout="constrained")
    for index, (title, confusion) in enumerate(confusions.items()):
        axes = figure.add_subplot(down, across, index + 1)
        _matrix(axes, confusion, labels)
        axes.set_title(wrapped(title, int(11 * side)))
        if index % across:
            axes.set_ylabel("")
    footnote(figure, basis, warning)
    return figure


def _side(size: int) -> float:
    return min(1.2 + 0.52 * size, 12.0)


def _matrix(axes: Axes, confusion: ArrayLike, labels: Sequence[str]) -> None:
    counts = np.asarray(confusion, dtype=np.float64)
    support = counts.sum(axis=1, keepdims=True)
    share = counts / np.where(support == 0, 1, support)
    size = len(labels)
    points = 8.5 if size <= 8 else max(4.0, 70 / size)
    for row in range(size):
        for column in range(size):
            _cell(axes, row, column, share[row, column], counts[row, column], points)
    names = [shortened(label, 14) for label in labels]
    axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal")
    slant, side_of = (0, "center") if size <= 3 else (35, "right")
    axes.set_xticks(range(size), names, rotation=slant, ha=side_of, rotation_mode="anchor")
    axes.set_yticks(range(size), names)
    axes.tick_params(length=0, labelcolor=INK, labelsize=min(8.5, points + 1))
    axes.set_xlabel("predicted")
    axes.set_ylabel("truth")
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _cell(axes: Axes, row: int, column: int, share: float, count: float, points: float) -> None:
    axes.add_patch(
        Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, facecolor=HEAT, alpha=0.04 + 0.9 * share, linewidth=0)
    )
    if row == column:
        axes.add_patch(Rectangle((column - 0.48, row - 0.48), 0.96, 0.96, fill=False, edgecolor=HEAT, linewidth=1.1))
    colour = "#ffffff" if share >= _LIGHT_TEXT_FROM else INK
    weight = "bold" if row == column else "normal"
    middle: dict[str, Any] = {"ha": "center", "va": "center", "color": colour}
    axes.text(column, row - 0.14, f"{100 * share:.0f} %", weight=weight, size=points, **middle)
    axes.text(column, row + 0.22, f"{count:,.0f}", size=0.88 * points, **middle)
