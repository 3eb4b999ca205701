"""When somebody speaks, pauses and stresses."""

from __future__ import annotations

import numpy as np

FRAMES_PER_SECOND = 100
SHORTEST_PAUSE = 15
"""Frames, 150 ms: shorter silences are part of stops such as p, t and k."""
SOUNDING = -35.0
"""Decibels against the loudest frame above which there is sound."""


def runs(mask: np.ndarray) -> np.ndarray:
    """Lengths of the stretches of ``mask`` (F,) that are true."""
    # A zero on either side, so that runs at the ends have two edges as well.
    edges = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    return np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)


def rhythm(level: np.ndarray, voiced: np.ndarray, duration: float) -> dict[str, float]:
    """Speaking rate and pauses.

    Args:
        level: ``(F,)`` decibels against the loudest frame.
        voiced: ``(F,)`` bool, the vocal folds swing.
        duration: seconds.

    ``syllables_per_second`` counts peaks of the smoothed energy that rise by 3 dB, at least 80 ms apart: close to
    syllables in clear speech (Mermelstein 1975). Lengths are in seconds and 0 where there is nothing to measure.
    """
    from scipy.signal import find_peaks

    smooth = np.convolve(level, np.hanning(9)[1:-1] / np.hanning(9).sum(), mode="same") if len(level) >= 7 else level
    # Speech that begins or ends at full loudness has a peak there, too.
    bounded = np.concatenate([[-90.0], smooth, [-90.0]])
    syllables, _ = find_peaks(bounded, height=-30, prominence=3, distance=8)
    pauses = runs(level <= SOUNDING)
    pauses = pauses[pauses >= SHORTEST_PAUSE] / FRAMES_PER_SECOND
    stretches = runs(voiced) / FRAMES_PER_SECOND
    return {
        "log_duration": float(np.log(duration)),
        "syllables_per_second": len(syllables) / duration,
        "pauses_per_second": len(pauses) / duration,
        "pause_share": float((level <= SOUNDING).mean()),
        "pause_length.mean": float(pauses.mean()) if len(pauses) else 0.0,
        "voiced_share": float(voiced.mean()),
        "voiced_stretches_per_second": len(stretches) / duration,
        "voiced_length.mean": float(stretches.mean()) if len(stretches) else 0.0,
        "voiced_length.sd": float(stretches.std()) if len(stretches) else 0.0,
    }
