"""The confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from crossspace.evaluation.captions import shortened
from crossspace.evaluation.figures.style import HEAT, INK, canvas, drawn

_LIGHT_TEXT_FROM = 0.72
"""Share of a row from which white is easier to read on the cell than ink."""


@drawn
def confusion_figure(confusion: ArrayLike, labels: Sequence[str]) -> Figure:
    """Rows are the truth; a cell gives its percentage of the row, and the count below.

    Args:
        confusion: (C, C) counts, or mean counts over seeds; rows truth, columns prediction.
        labels: names of the C classes.
    """
    counts = np.asarray(confusion, dtype=np.float64)
    support = counts.sum(axis=1, keepdims=True)
    share = counts / np.where(support == 0, 1, support)
    size = len(labels)
    side = min(1.2 + 0.52 * size, 12.0)
    figure, axes = canvas(side + 0.5, side)
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
    return figure


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
