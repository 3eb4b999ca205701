"""What a model says about utterances, as arrays: whatever computed it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crossspace.errors import DataError


@dataclass(frozen=True, eq=False)
class Inference:
    """Probabilities of N utterances.

    Attributes:
        probabilities: (N, C) float64, of the fused prediction.
        unimodal: ``{modality: (N, C)}`` float64; rows where the modality is missing hold NaN.
    """

    probabilities: np.ndarray
    unimodal: dict[str, np.ndarray]


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """(N, C) probabilities in float64 from logits, which are divided by ``temperature`` before."""
    # What is not finite stays so, without a warning, and is refused by :func:`finite`.
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = logits.astype(np.float64) / temperature
        powers = np.exp(scaled - scaled.max(axis=1, keepdims=True, initial=-np.inf))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def finite(probabilities: np.ndarray) -> np.ndarray:
    """The (N, C) probabilities as they are; nothing that is not finite leaves as an answer.

    Raises:
        DataError: one is not finite.
    """
    if not np.isfinite(probabilities).all():
        rows = int((~np.isfinite(probabilities).all(1)).sum())
        raise DataError(
            f"The model gives no finite probabilities for {rows} of {len(probabilities)} utterances: its weights or "
            "the features are far out of range. Look at the features with 'crossspace data validate', or train again."
        )
    return probabilities
