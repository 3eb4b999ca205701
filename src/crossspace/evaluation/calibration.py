"""Does a confidence of 0.8 mean four right answers in five? How far off it is, and the temperature that mends it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from crossspace.errors import DataError

Binning = Literal["equal-mass", "equal-width"]
_TEMPERATURES = (-3.0, 3.0)
"""Logarithms between which it is looked for: from a twentieth to twenty."""


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


def fitted_temperature(probabilities: ArrayLike, truth: ArrayLike) -> float:
    """The temperature by which logits are divided so that the truth becomes most probable (Guo et al., 2017).

    Above 1 the model was too sure of itself. No answer changes, only how sure it is.

    Args:
        probabilities: (N, C) softmax of the logits.
        truth: (N,) indices.

    Raises:
        DataError: no prediction.
    """
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(truth, dtype=np.int64)
    if not len(y) or p.shape[0] != len(y):
        raise DataError(f"A temperature needs one truth per prediction. Found {p.shape[0]} and {len(y)}.")

    def loss(log_temperature: float) -> float:
        return -float(_log_probabilities(p, np.exp(log_temperature))[np.arange(len(y)), y].mean())

    return float(np.exp(minimize_scalar(loss, bounds=_TEMPERATURES, method="bounded").x))


def at_temperature(probabilities: ArrayLike, temperature: float) -> NDArray[np.float64]:
    """(N, C) probabilities whose logits are divided by a temperature."""
    return np.exp(_log_probabilities(np.asarray(probabilities, dtype=np.float64), temperature))


def _log_probabilities(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    # Logits but for a constant per row, which no softmax sees; what was rounded to zero is finite again.
    return np.asarray(log_softmax(np.log(np.maximum(probabilities, np.finfo(np.float64).tiny)) / temperature, axis=1))


def unsure_below(confidence: ArrayLike, correct: ArrayLike, right: float) -> float:
    """The lowest confidence, to a hundredth, so that of what is said with that much or more a part ``right`` is right.

    1 where no confidence is enough: then everything is unsure.

    Args:
        confidence: (N,) probability of the predicted class.
        correct: (N,) whether the prediction was right.
        right: between 0 and 1.
    """
    confidences, outcomes = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=bool)
    for hundredths in range(100):
        sure = confidences >= hundredths / 100
        if sure.any() and outcomes[sure].mean() >= right:
            return hundredths / 100
    return 1.0
