"""The reliability diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from crossspace.evaluation.figures.style import BLUE, COLUMN, MUTED, canvas, drawn


@drawn
def reliability_figure(curve: Mapping[str, Sequence[float]]) -> Figure:
    """Accuracy over confidence, both in percent, a stem from each point to where it would stand if calibrated.

    Args:
        curve: ``confidence`` and ``accuracy`` (B,) as fractions, as in ``results.json`` under ``calibration.curve``.
    """
    sure, right = 100 * np.asarray(curve["confidence"]), 100 * np.asarray(curve["accuracy"])
    figure, axes = canvas(COLUMN, 3.4)
    axes.plot([0, 100], [0, 100], color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))
    axes.vlines(sure, right, sure, color=BLUE, alpha=0.35, linewidth=2.5)
    axes.plot(sure, right, "o-", color=BLUE, markersize=4.5, linewidth=1.3, clip_on=False, zorder=3)
    low = 10 * max(np.floor((min(sure.min(), right.min()) - 4) / 10), 0)
    axes.set(xlim=(low, 100), ylim=(low, 100), aspect="equal")
    note: dict[str, Any] = {"transform": axes.transAxes, "color": MUTED, "size": 7.5}
    axes.text(0.97, 0.03, "too sure below the line", ha="right", **note)
    axes.text(0.03, 0.95, "too modest above", va="top", **note)
    axes.set_xlabel("confidence (%)")
    axes.set_ylabel("accuracy (%)")
    axes.grid(visible=False)
    return figure
