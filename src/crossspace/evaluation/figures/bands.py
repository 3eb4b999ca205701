"""Losses over training for several variants: one panel per loss, mean and band over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from crossspace.evaluation.captions import shortened
from crossspace.evaluation.curves import Curve
from crossspace.evaluation.figures.palette import line_styles
from crossspace.evaluation.figures.style import ROW, drawn, footnote

_ACROSS = 3


@drawn
def bands_figure(
    panels: Mapping[str, Mapping[str, Curve]],
    *,
    ylabel: str,
    basis: str,
    warning: bool = False,
    notes: Mapping[str, Sequence[str]] | None = None,
) -> Figure:
    """Small multiples with a common time axis and a scale of their own.

    Args:
        panels: ``{loss: {variant: curve}}``.
        ylabel: quantity and unit.
        basis: what the figure rests on.
        warning: print that in the colour of a warning.
        notes: lines to print in the panel of a loss.
    """
    across = min(_ACROSS, len(panels))
    down = -(-len(panels) // across)
    names = list(dict.fromkeys(name for panel in panels.values() for name in panel))
    styles, labels = line_styles(names), {name: shortened(name, 24) for name in names}
    columns = min(len(names), max(1, int(ROW / (0.6 + 0.075 * max(map(len, labels.values()))))))
    figure = Figure(figsize=(ROW, 0.65 + 0.17 * -(-len(names) // columns) + 1.9 * down), layout="constrained")
    for index, (loss, curves) in enumerate(panels.items()):
        axes = figure.add_subplot(down, across, index + 1)
        for name, curve in curves.items():
            axes.plot(curve.x, curve.mean, **styles[name], label=labels.pop(name, None))
            axes.fill_between(
                curve.x, curve.mean - curve.spread, curve.mean + curve.spread,
                color=styles[name]["color"], alpha=0.18, linewidth=0,
            )  # fmt: skip
        axes.set_title(loss)
        axes.set_xlim(left=0)
        axes.margins(x=0)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        if index % across == 0:
            axes.set_ylabel(ylabel)
        if index >= len(panels) - across:
            axes.set_xlabel("training step")
        lines = (notes or {}).get(loss)
        if lines:
            axes.text(0.98, 0.96, "\n".join(lines), transform=axes.transAxes, ha="right", va="top", size=6.5)
    figure.legend(loc="outside upper left", ncols=columns, frameon=False)
    footnote(figure, basis, warning)
    return figure
