"""What becomes of a score when more and more utterances miss a modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from crossspace.evaluation.figures.palette import line_styles
from crossspace.evaluation.figures.style import INK, MUTED, ROW, canvas, drawn, footnote


@drawn
def degradation_figure(
    curves: Mapping[str, tuple[Sequence[float], ArrayLike]],
    whole: Sequence[float],
    *,
    ylabel: str,
    basis: str,
    warning: bool = False,
    floor: tuple[str, float] | None = None,
) -> Figure:
    """One line per missing modality over the share of utterances that miss it, with a band of one deviation.

    Args:
        curves: ``{what is missing: (rates as fractions, (S, R) scores in percent)}``.
        whole: score of every seed with nothing missing.
        ylabel: quantity and unit.
        basis: what the figure rests on.
        warning: print that in the colour of a warning.
        floor: name and value of a level to compare with.
    """
    figure, axes = canvas(0.8 * ROW, 3.1)
    markers = ("o", "s", "^", "D", "v", "P")
    styles = line_styles(list(curves))
    for index, (name, (rates, scores)) in enumerate(curves.items()):
        x = np.array([0.0, *(100 * rate for rate in rates)])
        y = np.column_stack([np.asarray(whole, float), np.asarray(scores, float)])
        style = styles[name]
        axes.plot(
            x, y.mean(0), **style, marker=markers[index % len(markers)], markersize=3.5, label=name, clip_on=False
        )
        if len(y) > 1:
            low, high = y.mean(0) - y.std(0, ddof=1), y.mean(0) + y.std(0, ddof=1)
            axes.fill_between(x, low, high, color=style["color"], alpha=0.13, linewidth=0)
    if floor is not None:
        axes.axhline(floor[1], color=MUTED, linewidth=0.9, linestyle=(0, (1, 2)))
        axes.annotate(
            floor[0], (0, floor[1]), xytext=(3, 3), textcoords="offset points", size=7, color=MUTED, va="bottom"
        )
    axes.set_xlim(0, 100)
    axes.set_xlabel("utterances that miss it (%)")
    axes.set_ylabel(ylabel)
    axes.yaxis.set_major_locator(MaxNLocator(6))
    figure.legend(
        title="missing", loc="outside right upper", frameon=False, fontsize=7.5, title_fontsize=7.5, labelcolor=INK
    )
    footnote(figure, basis, warning)
    return figure
