"""A score over a grid of two arguments, as a heat map with its numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from crossspace.evaluation.figures.style import HEAT, INK, MUTED, canvas, drawn, footnote

_WHITE_FROM = 0.62
"""Shade from which white is easier to read on the cell than ink."""


@drawn
def heat_figure(
    values: ArrayLike,
    spreads: ArrayLike,
    rows: tuple[str, Sequence[object]],
    columns: tuple[str, Sequence[object]],
    *,
    quantity: str,
    basis: str,
    warning: bool = False,
) -> Figure:
    """Darker is better; below each mean stands its standard deviation over seeds.

    Args:
        values: (R, K) means in percent, NaN where nothing was trained.
        spreads: (R, K) standard deviations in percentage points, NaN where not known.
        rows, columns: name of the argument and its values.
        quantity: what the cells hold.
        basis: what the figure rests on.
        warning: print that in the colour of a warning.
    """
    means, deviations = np.asarray(values, dtype=float), np.asarray(spreads, dtype=float)
    known = means[~np.isnan(means)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
    figure, axes = canvas(1.6 + 0.72 * means.shape[1], 1.5 + 0.46 * means.shape[0])
    for row, column in np.ndindex(means.shape):
        mean, deviation = means[row, column], deviations[row, column]
        # A grid of equal values has no darkest cell: the middle shade says neither good nor bad.
        shade = (mean - low) / (high - low) if high > low else 0.5
        _cell(axes, row, column, mean, deviation, shade, is_best=mean == high)
    axes.set(xlim=(-0.5, means.shape[1] - 0.5), ylim=(means.shape[0] - 0.5, -0.5))
    axes.set_xticks(range(means.shape[1]), [str(value) for value in columns[1]])
    axes.set_yticks(range(means.shape[0]), [str(value) for value in rows[1]])
    axes.tick_params(length=0, labelcolor=INK)
    axes.set_xlabel(columns[0])
    axes.set_ylabel(rows[0])
    axes.set_title(quantity)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    footnote(figure, basis, warning)
    return figure


def _cell(axes: Axes, row: int, column: int, mean: float, deviation: float, shade: float, *, is_best: bool) -> None:
    if np.isnan(mean):
        axes.text(column, row, "–", ha="center", va="center", color=MUTED)
        return
    # Never quite without colour: the worst cell was trained, and an empty one was not.
    alpha = 0.05 + 0.85 * shade
    axes.add_patch(Rectangle((column - 0.48, row - 0.47), 0.96, 0.94, facecolor=HEAT, alpha=alpha, linewidth=0))
    colour = "#ffffff" if shade >= _WHITE_FROM else INK
    weight = "bold" if is_best else "normal"
    axes.text(column, row - 0.12, f"{mean:.1f}", ha="center", va="center", color=colour, weight=weight)
    if not np.isnan(deviation):
        axes.text(column, row + 0.24, f"± {deviation:.1f}", ha="center", va="center", color=colour, size=6.5)
