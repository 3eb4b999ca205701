"""Scores of several variants: every seed a dot, their mean with its interval, on an axis cut to where they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from crossspace.evaluation.captions import wrapped
from crossspace.evaluation.figures.style import BLUE, CARD, INK, MUTED, ROW, VERMILLION, drawn, footnote

_TALLEST = 14.0
_FAR = 2.5
"""A value is drawn at the border when it lies farther from the middle of the means than this many widths, a width
being the usual half interval or the usual distance of variants, whichever is more."""
_NARROWEST = 1.0
"""Percentage points from the middle to either border of an axis, at least."""
_SLASH = [(-0.4, -1.0), (0.4, 1.0)]
_SEED: dict[str, Any] = {"markersize": 3.0, "markeredgewidth": 0.0}
_BELOW = 0.24
"""How far below its line single seeds stand."""


@dataclass(frozen=True)
class Score:
    """One score, in percent.

    Attributes:
        value: the mean over seeds.
        interval: its 95 % interval, where it is known.
        seeds: the score of every seed.
        published: what the literature prints.
    """

    value: float
    interval: tuple[float, float] | None = None
    seeds: Sequence[float] = field(default=())
    published: float | None = None

    @property
    def points(self) -> list[float]:
        """Everything that is drawn of it."""
        values = [self.value, *(self.interval or ()), *self.seeds]
        return [x for x in [*values, np.nan if self.published is None else self.published] if np.isfinite(x)]


@drawn
def dots_figure(
    names: Sequence[str],
    panels: Mapping[str, Sequence[Score]],
    *,
    basis: str,
    warning: bool = False,
    reference: int | None = None,
) -> Figure:
    """One panel per metric, one line per variant. Dots mean what their place says, so an axis need not begin at zero:
    it shows where the variants lie and says so. What lies far from all others stands at the border with its value.

    Args:
        names: of the variants, from the top.
        panels: ``{metric: one score per variant}``.
        basis: what the figure rests on; printed under it.
        warning: print that in the colour of a warning.
        reference: place of the variant with which the others are compared; its mean is a dotted line.
    """
    figure = Figure(figsize=(ROW, min(1.35 + 0.32 * len(names), _TALLEST)), layout="constrained")
    for index, (metric, scores) in enumerate(panels.items()):
        axes = figure.add_subplot(1, len(panels), index + 1)
        low, high = window(scores)
        for row, score in enumerate(scores):
            _line(axes, row, score, low, high)
        if reference is not None and low <= scores[reference].value <= high:
            axes.axvline(scores[reference].value, color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        _frame(axes, metric, low, high, len(names))
        axes.set_yticks(range(len(names)), [] if index else [wrapped(name) for name in names])
        if reference is not None and not index:
            axes.get_yticklabels()[reference].set_fontweight("bold")
    figure.legend(
        handles=_key(score for scores in panels.values() for score in scores),
        loc="outside upper left", ncols=4, frameon=False, fontsize=7.5,
    )  # fmt: skip
    footnote(figure, basis, warning)
    return figure


def window(scores: Sequence[Score], least: float = 0.0, most: float = 100.0) -> tuple[float, float]:
    """What an axis from ``least`` to ``most`` shows of itself: all that is drawn but what lies far from the rest."""
    means = np.array([score.value for score in scores if np.isfinite(score.value)])
    if not len(means):
        return least, most
    halves = [(i[1] - i[0]) / 2 for score in scores if (i := score.interval) is not None and np.isfinite(i).all()]
    lower, middle, upper = np.quantile(means, (0.25, 0.5, 0.75))
    reach = max(_FAR * max(upper - lower, float(np.median(halves)) if halves else 0.0), _NARROWEST)
    near = [x for score in scores for x in score.points if abs(x - middle) <= reach] + [middle - 0.5, middle + 0.5]
    margin = 0.06 * (max(near) - min(near))
    return max(float(min(near) - margin), least), min(float(max(near) + margin), most)


def _line(axes: Axes, row: int, score: Score, low: float, high: float) -> None:
    def inside(x: float) -> bool:
        return low <= x <= high

    if score.interval is not None:
        ends = score.interval
        axes.plot(np.clip(ends, low, high), [row, row], color=BLUE, linewidth=1.3, zorder=2)
        axes.plot([x for x in ends if inside(x)], [row for x in ends if inside(x)], "|", color=BLUE, markersize=5)
    seeds = [x for x in score.seeds if inside(x)]
    if len(score.seeds) > 1:
        axes.plot(seeds, [row + _BELOW] * len(seeds), "o", color=INK, alpha=0.6, **_SEED)
    if inside(score.value):
        axes.plot(
            score.value, row, "o", color=BLUE, markeredgecolor=CARD, markeredgewidth=0.6, markersize=6.2, zorder=4
        )
    if score.published is not None and inside(score.published):
        axes.plot(score.published, row, "D", color="none", markeredgecolor=INK, markersize=4.2, zorder=5)
    for border, beyond in ((low, lambda x: x < low), (high, lambda x: x > high)):
        at_border(axes, row, border, _said_beyond(score, beyond), rightwards=border == high)


def _said_beyond(score: Score, beyond: Callable[[float], bool]) -> str:
    """What is written at a border of the values that lie beyond it."""
    if beyond(score.value):
        interval = score.interval
        return f"{score.value:.1f}" + ("" if interval is None else f" ({interval[0]:.1f} to {interval[1]:.1f})")
    said = [f"seed {x:.1f}" for x in score.seeds if beyond(x)]
    said = said if len(said) < 3 else [f"{len(said)} seeds"]
    if score.published is not None and beyond(score.published):
        said.append(f"published {score.published:.1f}")
    return ", ".join(said)


def at_border(axes: Axes, row: int, border: float, said: str, *, rightwards: bool, colour: str = VERMILLION) -> None:
    """A mark at a border of the axes for what lies beyond it, with its value; nothing where nothing is said."""
    if not said:
        return
    axes.plot(border, row, ">" if rightwards else "<", color=colour, markersize=5.5, clip_on=False, zorder=6)
    axes.annotate(
        said, (border, row), xytext=(-7 if rightwards else 7, 0), textcoords="offset points", size=7, color=colour,
        ha="right" if rightwards else "left", va="center", zorder=6,
        bbox={"facecolor": CARD, "edgecolor": "none", "pad": 0.8, "alpha": 0.85},
    )  # fmt: skip


def _frame(axes: Axes, metric: str, low: float, high: float, rows: int) -> None:
    axes.set_xlim(low, high)
    axes.set_ylim(rows - 0.5, -0.5)
    axes.tick_params(axis="y", labelcolor=INK, pad=7)
    axes.grid(axis="y", visible=True)
    axes.grid(axis="x", visible=True)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    axes.set_title(metric)
    cut = "" if (low, high) == (0, 100) else f"\naxis cut: {low:.1f} to {high:.1f} of 0 to 100"
    axes.set_xlabel(f"{metric} (%){cut}")
    for end in [0.0] * (low > 0) + [1.0] * (high < 100):
        for shift in (-0.006, 0.006):
            axes.plot(
                end + shift, 0, marker=_SLASH, color=MUTED, markersize=9, markeredgewidth=0.9,
                transform=axes.transAxes, clip_on=False,
            )  # fmt: skip


def _key(scores: Iterable[Score]) -> list[Line2D]:
    drawn_scores = list(scores)
    handles = [Line2D([], [], color=BLUE, marker="o", markersize=6, linestyle="", label="mean")]
    if any(score.interval for score in drawn_scores):
        handles.append(Line2D([], [], color=BLUE, marker="|", label="95 % interval"))
    if any(len(score.seeds) > 1 for score in drawn_scores):
        handles.append(Line2D([], [], color=INK, alpha=0.6, marker="o", linestyle="", label="one seed", **_SEED))
    if any(score.published is not None for score in drawn_scores):
        handles.append(
            Line2D(
                [], [], color="none", marker="D", markeredgecolor=INK, markersize=4.2, linestyle="", label="published"
            )
        )
    return handles
