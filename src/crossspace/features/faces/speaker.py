"""Which of several faces an utterance belongs to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CLEARLY = 1.5
"""A speaker's mouth moves at least so many times as much as any other."""

LEAST = 0.05
"""And at least so much, in standard deviations of the crop's grey levels: less is noise of the camera."""


def choose(crops: Sequence[Sequence[np.ndarray]], sizes: Sequence[Sequence[float]]) -> int:
    """The index of the face that speaks, or else of the largest: area summed over the frames it is seen in.

    Args:
        crops: per face its crops ``(S, S, 3)`` uint8, in the order of time.
        sizes: per face the side of its square in the frames, in pixels.
    """
    largest = int(np.argmax([np.square(one).sum() for one in sizes]))
    if len(crops) == 1:
        return largest
    moved = [mouth_movement(one) for one in crops]
    total = [mean * len(one) for mean, one in zip(moved, crops, strict=True)]
    first, second = np.argsort(total, kind="stable")[::-1][:2]
    speaks = moved[first] >= LEAST and total[first] >= CLEARLY * total[second]
    return int(first) if speaks else largest


def mouth_movement(crops: Sequence[np.ndarray]) -> float:
    """How much a mouth moves beyond the movement of its face.

    The mean absolute difference of consecutive crops in the middle half of the lower third, less that of the
    upper two thirds, never below zero, mean over the pairs. Crops are grey and standardised first, so light and
    contrast do not count; the difference removes what a turn of the head or a shaking crop moves everywhere.
    """
    if len(crops) < 2:
        return 0.0
    side = len(crops[0])
    grey = np.stack([crop.mean(axis=-1, dtype=np.float32) for crop in crops])[:, :, side // 4 : side - side // 4]
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    grey /= grey.std(axis=(1, 2), keepdims=True) + 1e-3
    change = np.abs(np.diff(grey, axis=0))
    border = 2 * side // 3
    beyond = change[:, border:].mean(axis=(1, 2)) - change[:, :border].mean(axis=(1, 2))
    return float(np.maximum(beyond, 0.0).mean())
