"""Does a confidence of 0.8 mean four right answers in five? Reliability curve, calibration error and Brier score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crossspace.errors import DataError

Binning = Literal["equal-mass", "equal-width"]


@dataclass(frozen=True, eq=False)
class Reliability:
    """Confidence against accuracy in B bins that hold at least one prediction.

    Attributes:
        lower, upper: (B,) lowest and highest confidence in the bin.
        confidence: (B,) mean confidence.
        accuracy: (B,) fraction that was right.
        count: (B,) number of predictions.
        binning: how the bins were chosen.
    """

    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    count: NDArray[np.int64]
    binning: Binning

    @property
    def ece(self) -> float:
        """Expected calibration error: mean gap of confidence and accuracy, weighted by count (Guo et al., 2017)."""
        return float(np.average(np.abs(self.confidence - self.accuracy), weights=self.count))


def reliability(
    confidence: ArrayLike, correct: ArrayLike, *, bins: int = 10, binning: Binning = "equal-mass"
) -> Reliability:
    """The reliability curve of predictions.

    Bins hold equally many predictions unless asked otherwise: each point then rests on as much evidence as the next,
    and a model that is nearly always sure does not put everything into one bin. Equal confidences stay in one bin,
    whatever the order of the rows, so there may be fewer bins than asked for.

    Args:
        confidence: (N,) probability of the predicted class.
        correct: (N,) whether the prediction was right.
        bins: how many bins at most.
        binning: ``equal-mass`` (by rank of the confidence) or ``equal-width`` (the classical one, over 0 to 1).

    Raises:
        DataError: no prediction, different lengths, or a confidence outside 0 to 1.
    """
    confidences, outcomes = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if (
        not confidences.size
        or confidences.shape != outcomes.shape
        or not ((confidences >= 0) & (confidences <= 1 + 1e-6)).all()
    ):
        raise DataError(
            "Calibration needs one confidence between 0 and 1 and one outcome per prediction. "
            f"Found shapes {confidences.shape} and {outcomes.shape}, "
            f"confidences from {np.min(confidences, initial=np.inf):g} to {np.max(confidences, initial=-np.inf):g}."
        )
    if binning == "equal-mass":
        # The rank of the first of equal confidences, so that equals share a bin whatever the order of the rows.
        rank = np.searchsorted(np.sort(confidences), confidences, side="left")
        chosen = rank * bins // len(confidences)
    else:
        # A confidence of exactly 1 belongs to the last bin.
        chosen = np.minimum((confidences * bins).astype(np.int64), bins - 1)
    _, bin_of, count = np.unique(chosen, return_inverse=True, return_counts=True)
    # The ends that predictions reach, not those of the bin: a point stands where its predictions lie.
    lower, upper = np.full(len(count), np.inf), np.full(len(count), -np.inf)
    np.minimum.at(lower, bin_of, confidences)
    np.maximum.at(upper, bin_of, confidences)
    mean, accuracy = np.bincount(bin_of, confidences) / count, np.bincount(bin_of, outcomes) / count
    return Reliability(lower, upper, mean, accuracy, count, binning)


def brier_score(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """Mean squared distance between probabilities (N, C) and the truth (N,) as one-hot rows (Brier, 1950).

    0 is perfect, 2 is certainty about wrong classes throughout.
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    return float(((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1).mean())
