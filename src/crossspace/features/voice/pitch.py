"""The pitch of a voice."""

from __future__ import annotations

import numpy as np
import scipy  # its parts are imported when they are first used: whoever only reads text has no use for them

FFT = 1024
LOWEST, HIGHEST = 60.0, 600.0
"""Hertz between which a voice is looked for."""
NEAR = 0.9
"""The first peak that reaches this part of the highest one is taken: multiples of the period peak as high."""


def pitch(frames: np.ndarray, rate: int = 16_000) -> tuple[np.ndarray, np.ndarray]:
    """Hertz and clarity of every frame.

    McLeod and Wyvill 2005, *A smarter way to find pitch*: twice the autocorrelation, divided by the power of both
    stretches that it compares, so that a periodic sound reaches 1 at its period however loud it is; its peak is refined
    by a parabola.

    Args:
        frames: ``(F, W)``, W of at most 1024 minus the longest period.
        rate: samples per second.

    Returns:
        ``f0`` (F,), 0 where there is no peak at all, and ``clarity`` (F,) in [0, 1], its height.
    """
    shortest, longest = int(rate / HIGHEST), int(rate / LOWEST) + 1
    likeness = _normalised(frames - frames.mean(1, keepdims=True), longest + 2)
    here, before, after = likeness[:, 1:-1], likeness[:, :-2], likeness[:, 2:]
    lags = np.arange(1, longest + 1)
    # The lobe around lag 0 is no period: peaks count from where the function has been negative.
    peak = (here > before) & (here >= after) & (here > 0) & (lags >= shortest) & np.logical_or.accumulate(here < 0, 1)
    heights = np.where(peak, here, 0)
    # argmax of truth values is the first that holds: the shortest period of nearly the best height.
    chosen = (peak & (here >= NEAR * heights.max(1, keepdims=True))).argmax(1)
    row = np.arange(len(frames))
    left, top, right = before[row, chosen], here[row, chosen], after[row, chosen]
    bend = left - 2 * top + right
    # Where three points lie on a line there is no vertex; clipped, since a peak lies between its neighbours.
    shift = np.divide(left - right, 2 * bend, out=np.zeros_like(top), where=bend != 0)
    any_peak = peak.any(1)
    f0 = np.where(any_peak, rate / (lags[chosen] + np.clip(shift, -0.5, 0.5)), 0)
    return f0, np.where(any_peak, np.clip(top, 0, 1), 0)


def _normalised(frames: np.ndarray, lags: int) -> np.ndarray:
    """``(F, lags)``: likeness of a frame and itself ``lag`` samples later, in [-1, 1]."""
    width = frames.shape[1]
    correlation = scipy.fft.irfft(np.abs(scipy.fft.rfft(frames, FFT, axis=1)) ** 2, FFT, axis=1)[:, :lags]
    cumulated = np.zeros((len(frames), width + 1))
    np.cumsum(frames.astype(np.float64) ** 2, axis=1, out=cumulated[:, 1:])
    lag = np.arange(lags)
    # Sums of squares as differences of one cumulated sum: no loop over lags.
    power = cumulated[:, width - lag] + cumulated[:, -1:] - cumulated[:, lag]
    return np.divide(2 * correlation, power, out=np.zeros(power.shape), where=power > 0)
