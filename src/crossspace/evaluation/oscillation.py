"""How much a loss jumps about its own course while a model is trained."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def oscillation(values: Sequence[float] | NDArray[np.float64]) -> float:
    """``100 * mean_t |l_t - (l_{t-1} + l_{t+1}) / 2| / mean_t l_t``: deviation from the neighbours' middle, in percent.

    A course that falls along a straight line has 0, however steep it is, and a loss measured in other units has the
    same value; so losses of different size, and trainings that learn at different speed, can be compared. It does not
    tell oscillation that training causes from the noise of batches: compare trainings that see the same batches.

    Args:
        values: the loss at every step of one training, n of them.

    Returns:
        Percent; NaN for fewer than three steps, or where the mean is 0.
    """
    loss = np.asarray(values, dtype=np.float64)
    # The first and the last step have one neighbour only.
    if len(loss) < 3 or loss.mean() == 0:
        return float("nan")
    return float(100 * np.abs(loss[1:-1] - (loss[:-2] + loss[2:]) / 2).mean() / loss.mean())
