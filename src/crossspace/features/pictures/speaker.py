"""Which of several faces an utterance belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from crossspace.runtime import optional_import

CLEARLY = 1.5
"""A speaker's mouth moves at least so many times as much as any other."""

LEAST = 0.01
"""And its picture changes at least so much: less is noise of the camera."""

_SLACK = 6
"""Pixels, of a crop of half its size, by which a mouth may have moved with its head."""


def choose(crops: Sequence[Sequence[np.ndarray]], sizes: Sequence[Sequence[float]]) -> int:
    """The index of the face that speaks, or else of the largest: area summed over the frames it is seen in.

    A face speaks when its mouth moves at least :data:`LEAST` from frame to frame, and summed over its frames
    :data:`CLEARLY` times as much as every other.

    Args:
        crops: per face its crops ``(S, S, 3)`` uint8, in the order of time.
        sizes: per face the side of its square in the frames, in pixels.
    """
    # Summed, not averaged: who is in the picture all the time goes before who passes close to the camera.
    largest = int(np.argmax([np.square(one).sum() for one in sizes]))
    if len(crops) == 1:
        return largest
    moved = [mouth_movement(one) for one in crops]
    total = [mean * (len(one) - 1) for mean, one in zip(moved, crops, strict=True)]
    # Stable, so that equals come in the same order everywhere.
    first, second = np.argsort(total, kind="stable")[::-1][:2]
    speaks = moved[first] >= LEAST and total[first] >= CLEARLY * total[second]
    return int(first) if speaks else largest


def mouth_movement(crops: Sequence[np.ndarray]) -> float:
    """How much the shape of a mouth changes from frame to frame, from 0 (not at all) to about 1; 0 for one frame.

    The lower third of a crop is sought in the next crop by normalised correlation; what the best place lacks to 1 is
    the change, and its mean over the pairs the movement.
    """
    if len(crops) < 2:
        return 0.0
    cv2 = optional_import("cv2", "media")
    mouths = [_mouth(crop) for crop in crops]
    inner = slice(_SLACK, -_SLACK)
    # Not the plain difference of pixels, of which a nodding or badly tracked silent face gives as much as a speaker:
    # correlation at the best place leaves out shifts, light and contrast.
    scores = [
        cv2.matchTemplate(after, before[inner, inner], cv2.TM_CCOEFF_NORMED).max() for before, after in pairwise(mouths)
    ]
    return float(np.clip(1.0 - np.asarray(scores, dtype=np.float64), 0.0, 1.0).mean())


def _mouth(crop: np.ndarray) -> np.ndarray:
    """The middle of the lower third of a crop, grey and at half its size, on a margin of the search."""
    cv2 = optional_import("cv2", "media")
    side = len(crop)
    grey = cv2.GaussianBlur(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), (0, 0), 1.0)
    lower = grey[5 * side // 8 :, side // 6 : side - side // 6]
    return cv2.resize(lower, (lower.shape[1] // 2, lower.shape[0] // 2), interpolation=cv2.INTER_AREA)
