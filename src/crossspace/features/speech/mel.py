"""The energy of speech in bands of the mel scale, 100 times a second."""

from __future__ import annotations

from functools import cache

import numpy as np

from crossspace.features.extractors.base import RATE

_FRAME, _HOP, _BANDS = 400, 160, 40
"""Samples of a frame (25 ms) and from one to the next (10 ms); bands."""


def mel_energies(samples: np.ndarray) -> np.ndarray:
    """``(1 + T // 160, 40)`` float32 energies of ``samples`` ``(T,)``, 16,000 per second.

    Frames stand around every hundredth of a second, under a Hann window; silence lies before and after the sound.
    The filters are triangles of equal area on the mel scale of Slaney's Auditory Toolbox: linear up to 1 kHz,
    logarithmic above.
    """
    padded = np.pad(samples.astype(np.float32), _FRAME // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    # One more than the frame has: the window is one period, without the zero that begins the next.
    window = np.hanning(_FRAME + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    return (power @ _filters().T).astype(np.float32)


@cache
def _filters() -> np.ndarray:
    """``(40, 201)`` weights of the frequencies in each band."""
    frequencies = np.linspace(0, RATE / 2, _FRAME // 2 + 1)
    edges = _hertz(np.linspace(0.0, _mel(RATE / 2), _BANDS + 2))
    low, centre, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (frequencies - low) / (centre - low), (high - frequencies) / (high - centre)
    return np.maximum(0.0, np.minimum(rising, falling)) * 2 / (high - low)


_LINEAR = 200 / 3
"""Hertz of a mel below 1 kHz, which is therefore mel 15."""
_STEP = np.log(6.4) / 27
"""Of the logarithm of frequency, for a mel above."""


def _mel(hertz: float) -> float:
    return hertz / _LINEAR if hertz < 1000 else 15 + float(np.log(hertz / 1000)) / _STEP


def _hertz(mel: np.ndarray) -> np.ndarray:
    return np.where(mel < 15, mel * _LINEAR, 1000 * np.exp(_STEP * (mel - 15)))
