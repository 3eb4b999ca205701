"""What was logged at every step by several seeds, as one line with a band."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Curve:
    """Mean over seeds of a logged value.

    Attributes:
        name: key under which it was logged.
        x: (K,) middle of each window, in steps.
        mean: (K,) mean over the seeds that reached the window.
        spread: (K,) sample standard deviation over those seeds, 0 where there is one.
        window: steps that each point averages.
    """

    name: str
    x: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    window: int


def step_curves(
    steps: Iterable[Mapping[str, Any]],
    values: Callable[[Mapping[str, Any]], Mapping[str, Any] | None],
    points: int = 60,
) -> list[Curve]:
    """One curve for every name in what ``values`` returns, in the order in which names first appear.

    Steps are averaged in equal, non-overlapping windows, so that at most ``points`` points remain: this is all the
    smoothing there is, and it keeps the figure of a long run small. Values that are absent or not finite are skipped.

    Args:
        steps: records with ``seed`` and ``step`` (counted through the run, not within the epoch).
        values: reads ``{name: value}`` from a record; ``None`` when it has none.
        points: most points per curve.
    """
    logged: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    for record in steps:
        for name, value in (values(record) or {}).items():
            if value is not None and np.isfinite(value):
                logged[name].append((int(record["seed"]), int(record["step"]), float(value)))
    # One window for all curves of a figure, so that their points stand above one another.
    last = max((step for rows in logged.values() for _, step, _ in rows), default=0)
    window = -(-(last + 1) // points)
    return [_curve(name, rows, window) for name, rows in logged.items()]


def epoch_scores(epoch: Mapping[str, Any]) -> Mapping[str, float]:
    """The scores of an epoch in the history.

    They stand under ``scores`` beside the ``split`` they belong to; in older runs under ``validation``, whatever the
    split.
    """
    return epoch.get("scores") or epoch.get("validation") or {}


def deciding_split(epochs: Iterable[Mapping[str, Any]], protocol: str) -> str:
    """The split whose scores stand in the history: as the epochs say, else as the protocol has it."""
    stated = (str(epoch["split"]) for epoch in epochs if "split" in epoch)
    return next(stated, "test" if protocol == "best-on-test" else "validation")


def _curve(name: str, rows: list[tuple[int, int, float]], window: int) -> Curve:
    seeds = sorted({seed for seed, _, _ in rows})
    row = np.searchsorted(seeds, [seed for seed, _, _ in rows])
    column = np.array([step for _, step, _ in rows]) // window
    width = int(column.max()) + 1
    # Seeds by windows, summed in two counts; a loop over the steps of a long run would take seconds.
    cells = row * width + column
    count = np.bincount(cells, minlength=len(seeds) * width).reshape(len(seeds), width)
    total = np.bincount(cells, [v for _, _, v in rows], minlength=len(seeds) * width).reshape(count.shape)
    # A window may be empty where only some steps log a value, as with weights that are renewed now and then.
    reached = count.sum(0) > 0
    count, total = count[:, reached], total[:, reached]
    value = np.ma.masked_array(total / np.maximum(count, 1), mask=count == 0)
    spread = np.sqrt(value.var(axis=0) * _bessel((count > 0).sum(0)))
    # The middle of a window of steps that count from 0.
    x = np.asarray((np.flatnonzero(reached) + 0.5) * window - 0.5, np.float64)
    return Curve(
        name, x, np.asarray(value.mean(axis=0), np.float64), np.asarray(spread.filled(0.0), np.float64), window
    )


def _bessel(n: NDArray[np.int64]) -> NDArray[np.float64]:
    """n / (n - 1), and 0 for a single seed, whose spread is not known."""
    return np.where(n > 1, n / np.maximum(n - 1, 1), 0.0)
