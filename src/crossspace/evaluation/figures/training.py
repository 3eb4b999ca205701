"""How training went: losses, gamma and gradient cosines over steps, and the score that chose the epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from crossspace.evaluation.captions import shortened
from crossspace.evaluation.curves import Curve, epoch_scores
from crossspace.evaluation.figures.palette import line_styles
from crossspace.evaluation.figures.style import BLUE, COLUMN, INK, MUTED, VERMILLION, canvas, drawn

_HEIGHT = 2.55


@drawn
def step_figure(
    curves: Sequence[Curve],
    names: Mapping[str, str],
    *,
    ylabel: str,
    ylim: tuple[float, float] | None = None,
    reference: float | None = None,
) -> Figure:
    """Lines over training steps with a band of one standard deviation over seeds, each named at its end.

    Args:
        curves: what :func:`~crossspace.evaluation.curves.step_curves` made of the history.
        names: ``{curve name: what the reader sees}``.
        ylabel: quantity and unit.
        ylim: limits of the y axis; chosen by the data when ``None``.
        reference: a level to compare with, dotted.
    """
    figure, axes = canvas(COLUMN, _HEIGHT)
    styles = line_styles([curve.name for curve in curves])
    if reference is not None:
        axes.axhline(reference, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    for curve in curves:
        axes.plot(curve.x, curve.mean, **styles[curve.name], marker="o" if len(curve.x) == 1 else None)
        axes.fill_between(
            curve.x, curve.mean - curve.spread, curve.mean + curve.spread,
            color=styles[curve.name]["color"], alpha=0.16, linewidth=0,
        )  # fmt: skip
    if ylim is not None:
        axes.set_ylim(*ylim)
    axes.set_xlabel("training step")
    axes.set_ylabel(ylabel)
    axes.set_xlim(left=0)
    axes.margins(x=0)
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    ends = [(curve.mean[-1], shortened(names[curve.name], 16), styles[curve.name]["color"]) for curve in curves]
    if len(ends) > 1:
        _name_ends(axes, ends)
    return figure


def _name_ends(axes: Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Write names right of the axes at the heights where lines end, pushed apart where they would touch."""
    low, high = axes.get_ylim()
    line = 0.085
    order = sorted(range(len(ends)), key=lambda i: ends[i][0])
    wanted = np.array([(ends[i][0] - low) / (high - low) for i in order])
    placed = _apart(np.clip(wanted, 0.0, 1.0), line)
    for height, i in zip(placed, order, strict=True):
        axes.annotate(
            ends[i][1], (1, height), xycoords="axes fraction", xytext=(5, 0), textcoords="offset points",
            color=ends[i][2], va="center", size=8.5,
        )  # fmt: skip


def _apart(wanted: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Rising positions at least ``gap`` apart, near to ``wanted`` and centred on it."""
    placed = wanted.copy()
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    overflow = max(placed[-1] - 1.0, 0.0)
    placed = placed - overflow
    for i in range(len(placed) - 2, -1, -1):
        placed[i] = min(max(placed[i], wanted[i] - gap), placed[i + 1] - gap)
    return np.asarray(placed)


@drawn
def validation_figure(
    epochs: Sequence[Mapping[str, Any]], metric: str, *, ylabel: str, optimistic: bool = False
) -> Figure:
    """The score of every epoch, one thin line per seed and the mean, with the chosen epochs marked.

    Args:
        epochs: records of kind ``epoch``; the chosen epoch of a seed is its last one that is marked ``best``.
        metric: key among the scores of an epoch, drawn in percent.
        ylabel: quantity and unit.
        optimistic: the split that chose is the split that is reported; the marks then take the colour of a warning.
    """
    figure, axes = canvas(COLUMN, _HEIGHT)
    values, chosen = _scores_by_seed(epochs, metric)
    thin: dict[str, Any] = {"color": MUTED, "linewidth": 0.7, "alpha": 0.7} if len(values) > 1 else {"color": INK}
    for seed, score in values.items():
        axes.plot(list(score), list(score.values()), **thin)
        if seed in chosen:
            mark = VERMILLION if optimistic else BLUE
            axes.plot(chosen[seed], score[chosen[seed]], "o", color=mark, markersize=5, zorder=4)
    if len(values) > 1:
        xs = sorted({x for score in values.values() for x in score})
        axes.plot(xs, [np.mean([score[x] for score in values.values() if x in score]) for x in xs], color=INK)
    axes.set_xlabel("epoch")
    axes.set_ylabel(ylabel)
    axes.margins(x=0.02)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    return figure


def _scores_by_seed(
    epochs: Sequence[Mapping[str, Any]], metric: str
) -> tuple[dict[int, dict[int, float]], dict[int, int]]:
    """``{seed: {epoch: percent}}`` in order of the epochs, and ``{seed: chosen epoch}``."""
    values: dict[int, dict[int, float]] = {}
    chosen: dict[int, int] = {}
    for record in sorted(epochs, key=lambda record: (record["seed"], record["epoch"])):
        value = epoch_scores(record).get(metric)
        if value is not None:
            values.setdefault(int(record["seed"]), {})[int(record["epoch"])] = 100 * float(value)
            if record.get("best"):
                chosen[int(record["seed"])] = int(record["epoch"])
    return values, chosen
