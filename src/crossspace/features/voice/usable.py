"""When samples are no utterance."""

from __future__ import annotations

import numpy as np

from crossspace.features.extractors.base import RATE, Missing

_QUIETEST = 2.0**-15
"""The smallest step of 16-bit audio."""


def unusable(samples: np.ndarray) -> Missing | None:
    """Why there is nothing to hear in ``samples`` (T,), if that is so: all audio extractors agree on it.

    Too short is under 100 ms; silence does not move by one step of 16-bit audio.
    """
    if len(samples) < RATE // 10:
        return Missing("shorter than 100 ms")
    if not np.isfinite(samples).all():
        return Missing("damaged audio")
    # Against the mean: a constant offset is silence too.
    if np.abs(samples - samples.mean()).max() < _QUIETEST:
        return Missing("silence")
    return None
