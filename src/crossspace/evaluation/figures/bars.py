"""Scores of several variants: grouped bars with intervals, every seed as a dot, published figures as diamonds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from crossspace.evaluation.captions import shortened
from crossspace.evaluation.figures.style import BLUE, INK, MUTED, PAPER, ROW, SKY, canvas, drawn, footnote

_FILLS = ((BLUE, ""), (SKY, "////"), (MUTED, "...."))
_TALLEST = 14.0


@dataclass(frozen=True)
class Bar:
    """One score.

    Attributes:
        value: in percent.
        interval: its 95 % interval, in percent, where it is known.
        seeds: the score of every seed.
        published: what the literature prints.
    """

    value: float
    interval: tuple[float, float] | None = None
    seeds: Sequence[float] = field(default=())
    published: float | None = None


@drawn
def bars_figure(
    names: Sequence[str], groups: Mapping[str, Sequence[Bar]], *, xlabel: str, basis: str, warning: bool = False
) -> Figure:
    """Horizontal bars from zero, so that lengths compare as the scores do.

    Args:
        names: of the variants, from the top.
        groups: ``{what a bar shows: one bar per variant}``, at most three.
        xlabel: quantity and unit.
        basis: what the figure rests on; printed under it.
        warning: print that in the colour of a warning.
    """
    height = 0.8 / len(groups)
    figure, axes = canvas(ROW, min(1.3 + len(names) * (0.17 + 0.17 * len(groups)), _TALLEST))
    for place, ((label, bars), (colour, hatch)) in enumerate(zip(groups.items(), _FILLS, strict=False)):
        for row, bar in enumerate(bars):
            y = row + (place - (len(groups) - 1) / 2) * height
            axes.barh(
                y, bar.value, 0.9 * height, color=colour, hatch=hatch, edgecolor=PAPER, linewidth=0.4,
                label=label if not row else None,
            )  # fmt: skip
            axes.plot(bar.seeds, [y] * len(bar.seeds), "o", color=INK, markersize=1.8, alpha=0.55, zorder=3)
            if bar.interval is not None:
                axes.plot(bar.interval, [y, y], color=INK, linewidth=1.0, marker="|", markersize=4, zorder=4)
            if bar.published is not None:
                axes.plot(bar.published, y, "D", color=PAPER, markeredgecolor=INK, markersize=4, zorder=5)
    axes.set_yticks(range(len(names)), [shortened(name, 34) for name in names])
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", labelcolor=INK)
    axes.grid(axis="y", visible=False)
    axes.grid(axis="x", visible=True)
    axes.set_xlim(0, 100)
    axes.set_xlabel(xlabel)
    _legend(figure, groups)
    footnote(figure, basis, warning)
    return figure


def _legend(figure: Figure, groups: Mapping[str, Sequence[Bar]]) -> None:
    bars = [bar for group in groups.values() for bar in group]
    handles: list[Line2D | Patch] = [
        Patch(facecolor=colour, hatch=hatch, edgecolor=PAPER, label=label)
        for label, (colour, hatch) in zip(groups, _FILLS, strict=False)
    ]
    if any(bar.interval for bar in bars):
        handles.append(Line2D([], [], color=INK, marker="|", label="95 % interval"))
    if any(len(bar.seeds) > 1 for bar in bars):
        handles.append(Line2D([], [], color=INK, marker="o", markersize=2.5, linestyle="", label="one seed"))
    if any(bar.published is not None for bar in bars):
        handles.append(
            Line2D([], [], color=PAPER, marker="D", markeredgecolor=INK, markersize=4, linestyle="", label="published")
        )
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False, fontsize=7.5)
