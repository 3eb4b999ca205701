"""Metrics from confusion matrices, for thousands of matrices in one go.

A resampled test set is a sum of the confusion matrices of its conversations; nothing else of it is needed for the
metrics of :mod:`crossspace.evaluation.scores`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-12
"""Differences of metrics closer than this come from the order of summation."""


def confusion_per_group(
    truth: NDArray[np.int64], predicted: NDArray[np.int64], group: NDArray[np.int64], groups: int, classes: int
) -> NDArray[np.int64]:
    """(G, C, C) counts of each group (conversation), rows truth, columns prediction.

    Args:
        truth: (N,) label indices.
        predicted: (N,) label indices.
        group: (N,) index of the group of every row, from 0 to ``groups - 1``.
        groups: G.
        classes: C.
    """
    # One index for group, truth and prediction: a single count instead of a matrix per group.
    cells = (group * classes + truth) * classes + predicted
    return np.bincount(cells, minlength=groups * classes * classes).reshape(groups, classes, classes)


def metrics_of(confusion: NDArray[np.generic]) -> dict[str, NDArray[np.float64]]:
    """The overall metrics of matrices (..., C, C), each (...), by the same rules as :func:`~.scores.scores`.

    A matrix without a single count has no accuracy; its metrics are 0.
    """
    counts = np.asarray(confusion, dtype=np.float64)
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    support, chosen = counts.sum(-1), counts.sum(-2)
    f1, recall = _ratio(2 * hits, support + chosen), _ratio(hits, support)
    # A class that nobody expressed has no recall, and would pull the plain means down.
    present, total = support > 0, support.sum(-1)
    occurring = present.sum(-1)
    return {
        "weighted_f1": _ratio((f1 * support).sum(-1), total),
        "accuracy": _ratio(hits.sum(-1), total),
        "macro_f1": _ratio((f1 * present).sum(-1), occurring),
        "uar": _ratio(recall.sum(-1), occurring),
    }


def _ratio(above: NDArray[np.float64], below: NDArray[np.generic]) -> NDArray[np.float64]:
    # What has no denominator has no numerator either: 0.
    return above / np.where(below == 0, 1, below)
