"""How an utterance sounds from one moment to the next: loudness, timbre and pitch of every 10 milliseconds."""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy  # its parts are imported when they are first used: whoever only reads text has no use for them

from crossspace.features.extractors.base import RATE
from crossspace.features.voice.pitch import FFT, pitch

WINDOW = 640
"""Samples of a frame, 40 ms: two periods of a voice of 60 Hz fit."""
HOP = 160
"""Samples between the starts of two frames, 10 ms."""

SPECTRAL = ("centroid", "rolloff", "flatness", "flux", "alpha_ratio", "zero_crossings")
CEPSTRAL = tuple(f"mfcc{i}" for i in range(1, 13))

_BLOCK = 3000
"""Frames in work at once, so that memory does not grow with the utterance."""
_BANDS = 26
_FLOOR = 1e-8
"""Power of the faintest sound told from silence, as a part of that of the loudest sample."""


def descriptors(samples: np.ndarray) -> dict[str, np.ndarray]:
    """``{name: (F,)}``: what each frame sounds like.

    Args:
        samples: ``(T,)`` at 16 kHz, at least one frame long, not all of them equal.

    ``energy`` is in decibels, ``centroid`` and ``rolloff`` (85 % of the power lie below) in hertz, ``alpha_ratio`` the
    decibels of 50 Hz to 1 kHz over 1 to 5 kHz, ``flatness`` 1 for noise and 0 for a tone, ``flux`` the distance of two
    frames' mel spectra, each scaled to sum 1, ``zero_crossings`` a part of the samples, ``mfcc1`` to ``mfcc12`` cosines
    over 26 log mel bands, ``f0`` in hertz and ``clarity`` as :func:`~crossspace.features.voice.pitch.pitch` gives them.
    All but ``energy`` are the same at any gain.
    """
    from scipy.signal import sosfiltfilt

    samples = np.asarray(samples, dtype=np.float32)
    # A constant offset is inaudible and would count as energy and hide zero crossings.
    samples = samples - samples.mean()
    # Relative to the loudest sample, so that all but energy is the same at any gain.
    floor = _FLOOR * float(np.abs(samples).max()) ** 2
    frames, dull = _framed(samples), _framed(sosfiltfilt(_lowpass(), samples).astype(np.float32))
    starts = range(0, len(frames), _BLOCK)
    blocks = [_block(frames[at : at + _BLOCK], dull[at : at + _BLOCK], floor) for at in starts]
    per_frame = {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}
    mel = per_frame.pop("mel")
    shares = mel / mel.sum(1, keepdims=True)
    per_frame["flux"] = np.linalg.norm(np.diff(shares, axis=0, prepend=shares[:1]), axis=1)
    cepstrum = scipy.fft.dct(np.log(mel), axis=1, norm="ortho")
    per_frame.update({name: cepstrum[:, i] for i, name in enumerate(CEPSTRAL, start=1)})
    return per_frame


def _framed(samples: np.ndarray) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP]


def _block(frames: np.ndarray, dull: np.ndarray, floor: float) -> dict[str, np.ndarray]:
    hertz, window, bank = _constants()
    power = np.abs(scipy.fft.rfft(frames * window, FFT, axis=1)) ** 2 + floor * float((window**2).sum())
    total = power.sum(1)
    cumulated = power.cumsum(1)
    f0, clarity = pitch(dull)
    low = power[:, (hertz >= 50) & (hertz < 1000)].sum(1)
    high = power[:, (hertz >= 1000) & (hertz < 5000)].sum(1)
    return {
        "energy": 10 * np.log10(frames**2 @ window / window.sum() + floor),
        "centroid": power @ hertz / total,
        "rolloff": hertz[(cumulated < 0.85 * total[:, None]).sum(1)],
        "flatness": np.exp(np.log(power).mean(1)) / power.mean(1),
        "alpha_ratio": 10 * np.log10(low / high),
        "zero_crossings": (np.diff(np.signbit(frames), axis=1)).mean(1),
        "mel": power @ bank,
        "f0": f0,
        "clarity": clarity,
    }


@cache
def _lowpass() -> np.ndarray:
    """Keeps what the pitch is heard from: above 1.5 kHz a voice is half noise."""
    from scipy.signal import butter

    return butter(4, 1500, fs=RATE, output="sos")


@cache
def _constants() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hertz of every bin, a Hann window, and triangles ``(bins, bands)`` evenly spaced in mel from 60 Hz to 7.6 kHz."""
    hertz = np.linspace(0, RATE / 2, FFT // 2 + 1, dtype=np.float32)
    corners = np.linspace(_mel(60.0), _mel(7600.0), _BANDS + 2)
    steps = np.diff(corners)
    place = _mel(hertz)[:, None]
    rising, falling = (place - corners[:-2]) / steps[:-1], (corners[2:] - place) / steps[1:]
    bank = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    return hertz, np.hanning(WINDOW).astype(np.float32), bank


def _mel(hertz: float | np.ndarray) -> np.ndarray:
    return 2595 * np.log10(1 + np.asarray(hertz, dtype=np.float64) / 700)
