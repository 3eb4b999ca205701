"""Differences from one variant to the others, each with its interval: which can be told from nothing?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crossspace.evaluation.captions import p_text, shortened, wrapped
from crossspace.evaluation.figures.dots import Score, at_border, window
from crossspace.evaluation.figures.style import BLUE, CARD, INK, MUTED, ROW, VERMILLION, canvas, drawn, footnote


@dataclass(frozen=True)
class Difference:
    """One variant against the reference, in percentage points.

    Attributes:
        name: of the variant.
        value: variant minus reference.
        interval: 95 %, corrected for several comparisons.
        p: corrected likewise.
        apart: whether it can be told from none.
    """

    name: str
    value: float
    interval: tuple[float, float] | None
    p: float | None
    apart: bool


@drawn
def intervals_figure(
    differences: Sequence[Difference], *, reference: str, quantity: str, basis: str, warning: bool = False
) -> Figure:
    """A point and its interval per variant around the line of no difference.

    A filled point can be told from zero; a hollow one cannot. The p-value stands at the right. A
    difference far from all others stands at the border with its value.

    Args:
        differences: from the top.
        reference: name of the variant that is subtracted.
        quantity: what differs.
        basis: what the figure rests on.
        warning: print that in the colour of a warning.
    """
    figure, axes = canvas(ROW, min(1.15 + 0.3 * len(differences), 14.0))
    low, high = _window(differences)
    axes.set_xlim(low, high)
    axes.axvline(0, color=MUTED, linewidth=0.9, zorder=1)
    for row, difference in enumerate(differences):
        apart = difference.apart
        colour = INK if not apart else BLUE if difference.value > 0 else VERMILLION
        if low <= difference.value <= high:
            _point(axes, row, difference, colour, apart)
        elif np.isfinite(difference.value):
            border, right = (low, False) if difference.value < low else (high, True)
            at_border(axes, row, border, _said(difference), rightwards=right, colour=colour)
        if difference.p is not None:
            text = f"p = {p_text(difference.p)}".replace("= <", "<")
            axes.annotate(
                text, (1, row), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points",
                va="center", size=7.5, color=INK if apart else MUTED, annotation_clip=False,
            )  # fmt: skip
    axes.set_yticks(range(len(differences)), [wrapped(difference.name) for difference in differences])
    axes.set_ylim(len(differences) - 0.4, -0.6)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.set_xlabel(f"{quantity}, difference to {shortened(reference, 34)} (percentage points)")
    footnote(figure, basis, warning)
    return figure


def _point(axes: Axes, row: int, difference: Difference, colour: str, apart: bool) -> None:
    """A point with its interval; where that leaves the axes, it has no end there."""
    if difference.interval is not None:
        axes.plot(difference.interval, [row, row], color=colour, linewidth=1.3, marker="|", markersize=5)
    fill = colour if apart else CARD
    axes.plot(difference.value, row, "o", color=colour, markerfacecolor=fill, markersize=5, zorder=3)


def _window(differences: Sequence[Difference]) -> tuple[float, float]:
    """What the axis shows: no difference, and all differences but those far from the rest."""
    low, high = window([Score(difference.value, difference.interval) for difference in differences], -100.0, 100.0)
    margin = 0.06 * (high - low)
    return min(low, -margin), max(high, margin)


def _said(difference: Difference) -> str:
    interval = (
        "" if difference.interval is None else f" ({difference.interval[0]:+.1f} to {difference.interval[1]:+.1f})"
    )
    return f"{difference.value:+.1f}{interval}".replace("-", "−")
