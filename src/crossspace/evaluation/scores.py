"""The scores of one set of predictions: accuracy, weighted and macro F1, unweighted average recall, and per class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

from crossspace.errors import DataError

METRICS = ("weighted_f1", "accuracy", "macro_f1", "uar")
"""The overall metrics, the one that chooses epochs first."""

UNLABELLED = -100
"""The index of an utterance without a label; such rows are never scored."""


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Precision, recall and F1 of one emotion as fractions, and its number of labelled utterances."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, eq=False)
class Scores:
    """What a set of predictions is worth, as fractions.

    Attributes:
        weighted_f1: F1 per class, averaged with the supports as weights.
        accuracy: fraction of utterances that were named rightly.
        macro_f1: plain mean of F1 over the classes that occur in the truth.
        uar: plain mean of recall over the classes that occur in the truth (unweighted average recall).
        per_class: ``{label: ClassScores}`` in label order; a ratio without a denominator is 0.
        confusion: (C, C) int64 counts, rows truth, columns prediction.
    """

    weighted_f1: float
    accuracy: float
    macro_f1: float
    uar: float
    per_class: dict[str, ClassScores]
    confusion: NDArray[np.int64]

    def overall(self) -> dict[str, float]:
        """The overall metrics by name, in the order of :data:`METRICS`."""
        return {metric: getattr(self, metric) for metric in METRICS}


def scores(truth: ArrayLike, predicted: ArrayLike, labels: Sequence[str]) -> Scores:
    """Score predictions against the truth.

    A class that nobody expressed has no recall, so macro F1 and UAR average over the classes that occur in ``truth``
    (the rule of scikit-learn's ``balanced_accuracy_score``); calling an utterance by an absent class still costs the
    recall of its true class. With every class present the values are scikit-learn's plain macro averages.

    Args:
        truth: (N,) label indices; rows of -100 are left out.
        predicted: (N,) label indices.
        labels: names of the C classes in index order.

    Raises:
        DataError: lengths differ, an index has no label, or no row is labelled.
    """
    true, guess = labelled_rows(truth, predicted, len(labels))
    classes = np.arange(len(labels))
    precision, recall, f1, support = precision_recall_fscore_support(true, guess, labels=classes, zero_division=0)
    # scikit-learn gives an absent class a recall of 0, and its plain averages would count that.
    present = support > 0
    return Scores(
        weighted_f1=float(np.average(f1, weights=support)),
        accuracy=float(accuracy_score(true, guess)),
        macro_f1=float(f1[present].mean()),
        uar=float(recall[present].mean()),
        per_class={
            str(label): ClassScores(float(precision[c]), float(recall[c]), float(f1[c]), int(support[c]))
            for c, label in enumerate(labels)
        },
        confusion=confusion_matrix(true, guess, labels=classes).astype(np.int64),
    )


def labelled_rows(truth: ArrayLike, predicted: ArrayLike, classes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """``truth`` and ``predicted`` of the labelled rows, checked.

    Raises:
        DataError: lengths differ, an index is outside ``0 .. classes - 1``, or no row is labelled.
    """
    true, guess = np.asarray(truth, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if true.ndim != 1 or true.shape != guess.shape:
        raise DataError(
            f"Scoring needs one truth and one prediction per utterance. Found shapes {true.shape} and {guess.shape}. "
            "Pass two vectors of the same length."
        )
    # Before the indices are judged: -100 is no class, and no mistake.
    rows = true != UNLABELLED
    true, guess = true[rows], guess[rows]
    if not len(true):
        raise DataError(
            f"Scoring needs labelled utterances. Found none among {len(rows)}. Choose a split that has labels."
        )
    for name, values in (("truth", true), ("predicted", guess)):
        if values.min() < 0 or values.max() >= classes:
            raise DataError(
                f"`{name}` should hold label indices from 0 to {classes - 1}. "
                f"Found {values.min()} to {values.max()}. Check that the labels are those of the model."
            )
    return true, guess
