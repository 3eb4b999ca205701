"""Intervals by resampling whole conversations and training seeds.

Utterances of one conversation share speakers, topic and mood, so their errors come together. Resampling single
utterances treats them as independent and makes intervals too narrow; here the conversation is the unit that is drawn.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from crossspace.evaluation.confusion import metrics_of
from crossspace.evaluation.scores import METRICS

Interval = tuple[float, float]
Statistic = Callable[..., NDArray[np.float64]]

_CELLS_AT_ONCE = 4_000_000
"""Draws times conversations that are held in memory together."""


def intervals(
    counts: NDArray[np.generic], *, confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> dict[str, Interval | None]:
    """Intervals of the overall metrics, averaged over seeds, by a bootstrap over conversations and seeds.

    The statistic is the mean over the S training seeds of the metric on the test set. Both are drawn anew, one
    independently of the other: conversations, and, where there are several, seeds; every drawn seed sees the same
    drawn conversations. The interval therefore says how much the mean would move on other conversations of the same
    kind and with other trainings.

    Args:
        counts: (S, G, C, C) confusion matrices per seed and conversation; conversations without a labelled
            utterance are left out.
        confidence: coverage aimed at.
        resamples: how many times is drawn.
        seed: of the draws; the same seed gives the same interval.

    Returns:
        ``{metric: (low, high)}``, or ``None`` for every metric when fewer than two conversations are labelled.

    Note:
        A bootstrap of n values has (n - 1) / n of their variance: with five seeds the part of the interval that
        comes from seeds is about a tenth too narrow. With one seed it is absent.
    """
    cells = np.asarray(counts, dtype=np.float64)
    cells = cells[:, cells.sum(axis=(0, 2, 3)) > 0]
    seeds, groups = cells.shape[:2]
    if groups < 2:
        # A single conversation drawn again is itself: the interval would have no width.
        return dict.fromkeys(METRICS)

    def statistic(conversations: NDArray[np.int64], *drawn: NDArray[np.int64], axis: int = -1) -> NDArray[np.float64]:
        metrics = resampled(cells, conversations, drawn[0] if drawn else None)
        return np.stack([metrics[metric] for metric in METRICS])

    # One seed drawn again is itself too; the interval is then over conversations alone.
    sizes = (groups, seeds) if seeds > 1 else (groups,)
    low, high = interval_of(statistic, sizes, confidence, resamples, seed)
    return {metric: (float(low[i]), float(high[i])) for i, metric in enumerate(METRICS)}


def resampled(
    cells: NDArray[np.float64], conversations: NDArray[np.int64], seeds: NDArray[np.int64] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Every metric, averaged over drawn seeds, on drawn conversations.

    Args:
        cells: (S, G, C, C) counts.
        conversations: (..., G') indices of drawn conversations.
        seeds: (..., S') indices of drawn seeds; every seed once when not given.

    Returns:
        ``{metric: (...)}``.
    """
    count, groups, classes, _ = cells.shape
    flat = cells.transpose(1, 0, 2, 3).reshape(groups, -1)
    # A resampled test set is a sum of confusion matrices: one product of matrices instead of a loop over draws.
    total = _multiplicity(conversations, groups) @ flat
    metrics = metrics_of(total.reshape(*conversations.shape[:-1], count, classes, classes))
    if seeds is None:
        return {metric: values.mean(-1) for metric, values in metrics.items()}
    weights = _multiplicity(seeds, count) / seeds.shape[-1]
    return {metric: (values * weights).sum(-1) for metric, values in metrics.items()}


def interval_of(
    statistic: Statistic, sizes: Sequence[int], confidence: float = 0.95, resamples: int = 2000, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The interval of a statistic of indices, each sample drawn from its own ``range(size)``.

    Bias-corrected and accelerated (BCa; Efron, 1987) by SciPy. Where BCa is not defined, for example when every
    conversation is perfect, the percentile interval of the same resamples is taken instead.

    Args:
        statistic: takes one array (..., size) of indices per sample, and ``axis``.
        sizes: of the samples.
        confidence, resamples, seed: see :func:`intervals`.
    """
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        # SciPy warns where BCa is not defined, which is answered below.
        warnings.simplefilter("ignore", RuntimeWarning)
        result = stats.bootstrap(
            tuple(np.arange(size) for size in sizes),
            statistic,
            n_resamples=resamples,
            confidence_level=confidence,
            method="BCa",
            vectorized=True,
            axis=-1,
            # As many draws at once as fit in the memory set aside, whatever the number of conversations.
            batch=max(1, _CELLS_AT_ONCE // sum(sizes)),
            rng=np.random.default_rng(seed),
        )
    tail = (1 - confidence) / 2
    low, high = np.quantile(result.bootstrap_distribution, (tail, 1 - tail), axis=-1)
    accelerated = result.confidence_interval
    defined = np.isfinite(accelerated.low) & np.isfinite(accelerated.high)
    return np.where(defined, accelerated.low, low), np.where(defined, accelerated.high, high)


def _multiplicity(drawn: NDArray[np.int64], groups: int) -> NDArray[np.float64]:
    """How often each of ``groups`` was drawn: (..., k) indices to (..., groups) counts."""
    rows = drawn.reshape(-1, drawn.shape[-1])
    # One count over all rows: each has its own stretch of cells, which is faster than a count per row.
    cells = (np.arange(len(rows))[:, None] * groups + rows).ravel()
    counts = np.bincount(cells, minlength=len(rows) * groups)
    return counts.reshape(*drawn.shape[:-1], groups).astype(np.float64)
