"""How an utterance sounds, in plain statistics: the audio features that need no download and no licence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from crossspace.features.extractors.base import RATE, AudioExtractor, Missing
from crossspace.features.voice.rhythm import SOUNDING, rhythm
from crossspace.features.voice.spectrum import CEPSTRAL, SPECTRAL, descriptors
from crossspace.features.voice.usable import unusable

FUNCTIONALS = ("mean", "sd", "q25", "median", "q75", "range", "slope")
"""``range`` is from the 5th to the 95th percentile, ``slope`` what a straight line rises from first to last frame."""

_CLEAR = 0.6
"""Clarity of the pitch from which a frame counts as voiced."""
_REFERENCE = 150.0
"""Hertz that is 0 semitones: between men's and women's voices, so 0 also says least where nothing is voiced."""


class Prosody(AudioExtractor):
    """Loudness, pitch, timbre, voice quality and rhythm of an utterance: 181 plain statistics, nothing is fetched.

    Of every 10 ms come energy, pitch (by its normalised autocorrelation), 12 MFCC and their changes, spectral centroid,
    roll-off, flatness, flux and balance, and zero crossings; of the frames within 35 dB of the loudest come mean,
    deviation, quartiles, range and slope; of the whole come rhythm, pauses, jitter, shimmer and harmonicity. ``names``
    lists all of them. What needs a voice is 0 where ``voiced_share`` is 0. *Missing* is what is shorter than 100 ms or
    silent.
    """

    name = "prosody"
    licence = "Apache-2.0"
    batch = 16

    def __init__(self) -> None:
        time = np.arange(RATE // 2) / RATE
        # The names come from a tone of the reference, faded so that every number is defined.
        self.names = tuple(_features(np.sin(2 * np.pi * _REFERENCE * time) * np.hanning(len(time))))
        self.width, self.version, self.parameters = len(self.names), "1", {}

    def extract(self, items: Sequence[np.ndarray]) -> list[np.ndarray | Missing]:
        """One vector ``(D,)`` per utterance."""
        return [self._one(np.asarray(samples)) for samples in items]

    def _one(self, samples: np.ndarray) -> np.ndarray | Missing:
        if (reason := unusable(samples)) is not None:
            return reason
        return np.fromiter(_features(samples).values(), dtype=np.float32)


def _features(samples: np.ndarray) -> dict[str, float]:
    """Every number by its name, in the order of the vector."""
    per_frame = descriptors(samples)
    level = per_frame["energy"] - per_frame["energy"].max()
    sounding = level > SOUNDING
    semitones, voiced = _pitch(per_frame, sounding)
    changing = ("energy", *CEPSTRAL)
    steady = {name: per_frame[name][sounding] for name in (*changing, *SPECTRAL)}
    # Over all frames first, then those that sound: the frames on both sides of a pause are no neighbours.
    change = {f"{name}.change": np.gradient(per_frame[name])[sounding] for name in changing}
    return {
        **_functionals(steady),
        **_functionals({"pitch": semitones[voiced]}),
        **{
            f"{name}.{what}": float(f(x)) for name, x in change.items() for what, f in (("size", _size), ("sd", np.std))
        },
        **_voice(per_frame, semitones, voiced),
        **rhythm(level, voiced, len(samples) / RATE),
    }


def _pitch(per_frame: Mapping[str, np.ndarray], sounding: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Semitones ``(F,)``, and where they hold: clear for 30 ms, and no more than an octave from the median."""
    from scipy.ndimage import binary_opening

    semitones = 12 * np.log2(np.maximum(per_frame["f0"], 1.0) / _REFERENCE)
    voiced = binary_opening(sounding & (per_frame["clarity"] >= _CLEAR), np.ones(3))
    # Octave errors, the usual mistake of autocorrelation, stand out by a factor of two.
    if voiced.any():
        voiced &= np.abs(semitones - np.median(semitones[voiced])) <= 12
    return semitones, voiced


def _functionals(series: Mapping[str, np.ndarray]) -> dict[str, float]:
    """:data:`FUNCTIONALS` of series of one length; 0 of empty ones."""
    values = np.stack(list(series.values()), axis=1).astype(np.float64)
    if not len(values):
        values = np.zeros((1, len(series)))
    low, q25, median, q75, high = np.percentile(values, (5, 25, 50, 75, 95), axis=0)
    # Over a time from -0.5 to 0.5, so that the slope is the rise from the first frame to the last.
    place = np.linspace(-0.5, 0.5, len(values)) if len(values) > 1 else np.zeros(1)
    slope = place @ values / max(float(place @ place), 1e-12)
    rows = (values.mean(0), values.std(0), q25, median, q75, high - low, slope)
    return {
        f"{name}.{what}": float(row[i])
        for i, name in enumerate(series)
        for what, row in zip(FUNCTIONALS, rows, strict=True)
    }


def _voice(per_frame: Mapping[str, np.ndarray], semitones: np.ndarray, voiced: np.ndarray) -> dict[str, float]:
    """Voice quality from frame to frame of voiced stretches; all of it 0 without a voice.

    ``jitter`` and ``shimmer`` are the mean relative change of period and amplitude, ``harmonicity`` the decibels of the
    periodic over the other part.
    """
    pairs = voiced[1:] & voiced[:-1]
    amplitude = 10 ** (per_frame["energy"] / 20)
    period = 1 / np.maximum(per_frame["f0"], 1.0)
    # The logarithm below has no value at 0 and 1.
    clarity = np.clip(per_frame["clarity"][voiced], 1e-4, 1 - 1e-4)
    harmonicity = 10 * np.log10(clarity / (1 - clarity))
    step = np.abs(np.diff(semitones))[pairs]
    return {
        "pitch.change.size": float(step.mean()) if len(step) else 0.0,
        "pitch.change.sd": float(step.std()) if len(step) else 0.0,
        "jitter": _relative_change(period, pairs),
        "shimmer": _relative_change(amplitude, pairs),
        "harmonicity.mean": float(harmonicity.mean()) if len(harmonicity) else 0.0,
        "harmonicity.sd": float(harmonicity.std()) if len(harmonicity) else 0.0,
    }


def _relative_change(values: np.ndarray, pairs: np.ndarray) -> float:
    return float((np.abs(np.diff(values)) / (values[1:] + values[:-1]) * 2)[pairs].mean()) if pairs.any() else 0.0


def _size(values: np.ndarray) -> float:
    return float(np.abs(values).mean())
