"""What a row of each label counts in a loss."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from crossspace.data.task import UNLABELLED
from crossspace.training.options import TrainingOptions


def class_weights(options: TrainingOptions, truth: np.ndarray, classes: int) -> Tensor | None:
    """(C,) weights, or None for ones.

    Args:
        options: how they are chosen.
        truth: labels of the training split.
        classes: C.
    """
    chosen = options.class_weights
    if chosen == "none":
        return None
    if isinstance(chosen, (str, int, float)):
        return inverse_frequency(truth, classes, 1.0 if isinstance(chosen, str) else float(chosen))
    return torch.tensor([float(w) for w in chosen], dtype=torch.float32)


def inverse_frequency(truth: np.ndarray, classes: int, power: float) -> Tensor:
    """(C,) weights, a power of the inverse frequency of each label; their mean over the labelled rows is one.

    Args:
        truth: labels of the training split.
        classes: C.
        power: 0 to 1.
    """
    counts = np.bincount(truth[truth != UNLABELLED], minlength=classes)
    # A class that training never shows has no inverse; its weight is never used.
    weights = np.maximum(counts, 1) ** -float(power)
    # Mean one over the rows, so that the learning rate means the same with and without weights.
    weights *= counts.sum() / (counts * weights).sum()
    return torch.tensor(weights, dtype=torch.float32)
