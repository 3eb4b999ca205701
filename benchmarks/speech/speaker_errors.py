"""Diarization error rate: how much of the time of speech goes to the wrong speaker, or to none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

Turn = tuple[float, float, str]
"""Start, end and speaker."""
_STEP = 0.01


@dataclass(frozen=True)
class SpeakerErrors:
    """Seconds of a recording.

    Attributes:
        speech: of the reference, each speaker counted.
        missed: speech that nobody was given.
        false: given to somebody while nobody, or one less, spoke.
        confused: given to another speaker.
    """

    speech: float
    missed: float
    false: float
    confused: float

    @property
    def rate(self) -> float:
        """All of them over the speech."""
        return (self.missed + self.false + self.confused) / max(self.speech, 1e-9)

    @property
    def confusion(self) -> float:
        """What went to the wrong speaker, over the speech."""
        return self.confused / max(self.speech, 1e-9)


def speaker_errors(reference: Sequence[Turn], found: Sequence[Turn], collar: float = 0.0) -> SpeakerErrors:
    """Errors in steps of 10 ms, under the best pairing of speakers.

    Args:
        reference: what is known.
        found: what was found.
        collar: seconds before and after each border of the reference that do not count.
    """
    end = max(turn[1] for turn in (*reference, *found))
    said, heard = _steps(reference, end), _steps(found, end)
    counted = np.ones(len(said), dtype=bool)
    for start, stop, _ in reference:
        for border in (start, stop):
            counted[max(0, round((border - collar) / _STEP)) : round((border + collar) / _STEP)] = False
    said, heard = said[counted].astype(np.float64), heard[counted].astype(np.float64)
    together = said.T @ heard
    rows, columns = linear_sum_assignment(-together)
    right = np.zeros(len(said))
    for row, column in zip(rows, columns, strict=True):
        right += said[:, row] * heard[:, column]
    people, given = said.sum(axis=1), heard.sum(axis=1)
    return SpeakerErrors(
        float(people.sum()) * _STEP,
        float(np.maximum(people - given, 0).sum()) * _STEP,
        float(np.maximum(given - people, 0).sum()) * _STEP,
        float((np.minimum(people, given) - right).sum()) * _STEP,
    )


def _steps(turns: Sequence[Turn], end: float) -> np.ndarray:
    """``(T, K)`` whether each speaker speaks in each step."""
    names = sorted({name for _, _, name in turns}) or [""]
    steps = np.zeros((round(end / _STEP) + 1, len(names)), dtype=bool)
    for start, stop, name in turns:
        steps[round(start / _STEP) : round(stop / _STEP), names.index(name)] = True
    return steps
