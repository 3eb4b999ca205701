"""Intervals by resampling whole conversations.

Utterances of one conversation share speakers, topic and mood, so their errors come together. Resampling single
utterances treats them as independent and makes intervals too narrow; here the conversation is the unit that is drawn.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crossspace.evaluation.confusion import metrics_of
from crossspace.evaluation.scores import METRICS

Interval = tuple[float, float]
Statistic = Callable[[NDArray[np.int64], int], NDArray[np.float64]]

_CELLS_AT_ONCE = 4_000_000
"""Draws times conversations that are held in memory together."""


def intervals(
    counts: NDArray[np.generic], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> dict[str, Interval | None]:
    """Intervals of the overall metrics, averaged over seeds, by a bootstrap over conversations.

    The statistic is the mean over the S training seeds of the metric on the resampled test set; every seed sees the
    same resampled conversations. The interval therefore says how much the mean would move on other conversations of
    the same kind. The spread between trainings is a different thing and is reported as a standard deviation.

    Bias-corrected and accelerated (BCa; Efron, 1987) by SciPy. Where BCa is not defined, for example when every
    conversation is perfect, the percentile interval of the same resamples is taken instead.

    Args:
        counts: (S, G, C, C) confusion matrices per seed and conversation; conversations without a labelled
            utterance are left out.
        confidence: coverage aimed at.
        resamples: how many test sets are drawn.
        seed: of the draws; the same seed gives the same interval.

    Returns:
        ``{metric: (low, high)}``, or ``None`` for every metric when fewer than two conversations are labelled.
    """
    cells = np.asarray(counts, dtype=np.float64)
    cells = cells[:, cells.sum(axis=(0, 2, 3)) > 0]
    seeds, groups, classes, _ = cells.shape
    if groups < 2:
        return dict.fromkeys(METRICS)
    flat = cells.transpose(1, 0, 2, 3).reshape(groups, -1)

    def mean_over_seeds(drawn: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
        drawn = np.moveaxis(drawn, axis, -1)
        total = _multiplicity(drawn, groups) @ flat
        found = metrics_of(total.reshape(*drawn.shape[:-1], seeds, classes, classes))
        return np.stack([found[metric].mean(-1) for metric in METRICS])

    low, high = _interval(mean_over_seeds, groups, confidence, resamples, seed)
    return {metric: (float(low[i]), float(high[i])) for i, metric in enumerate(METRICS)}


def _interval(
    statistic: Statistic, groups: int, confidence: float, resamples: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        found = stats.bootstrap(
            (np.arange(groups),),
            statistic,
            n_resamples=resamples,
            confidence_level=confidence,
            method="BCa",
            vectorized=True,
            axis=-1,
            batch=max(1, _CELLS_AT_ONCE // groups),
            rng=np.random.default_rng(seed),
        )
    tail = (1 - confidence) / 2
    low, high = np.quantile(found.bootstrap_distribution, (tail, 1 - tail), axis=-1)
    accelerated = found.confidence_interval
    defined = np.isfinite(accelerated.low) & np.isfinite(accelerated.high)
    return np.where(defined, accelerated.low, low), np.where(defined, accelerated.high, high)


def _multiplicity(drawn: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
    """How often each of ``groups`` was drawn: (..., k) indices to (..., groups) counts."""
    rows = drawn.reshape(-1, drawn.shape[-1])
    cells = (np.arange(len(rows))[:, None] * groups + rows).ravel()
    counts = np.bincount(cells, minlength=len(rows) * groups)
    return counts.reshape(*drawn.shape[:-1], groups).astype(np.float64)
