"""Whether the channels of a recording can be mixed, or cancel each other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

_CANCELLED = 0.25
"""Part of the power that unrelated channels would have when mixed; below this the mix has lost what they share."""
_AUDIBLE = 0.01
"""Part of the power of the loudest excerpt; what is quieter says nothing of how speech is mixed."""
_OVER = 2.0
"""Largest sample that is an overshoot, which is clipped, and no other scale."""
_NOT_SINGLE = 99.9
"""Percentile of the samples of an excerpt."""
_SCALES, _SOFTEST = (2.0**15, 2.0**23, 2.0**31), 100.0
"""Full scale of integers, and by what the peak of a recording of that scale is smaller at most."""
_SILENT = 2.0**-30
"""Mean power of what does not move by one step of 16-bit audio."""


def mixed(channels: np.ndarray) -> np.ndarray:
    """The mean ``(T,)`` of channels ``(T, C)``, or the loudest of them where they cancel each other."""
    powers, mean = _powers(channels)
    return channels[:, _loudest(powers)] if _lost(powers, mean) else channels.mean(axis=1)


@dataclass
class Mixing:
    """What excerpts of one track say of its channels.

    Attributes:
        excerpts: the power of each channel ``(C,)`` and that of their mean.
        peak: the largest sample that is no single one.
    """

    excerpts: list[tuple[np.ndarray, float]] = field(default_factory=list)
    peak: float = 0.0

    def hear(self, channels: np.ndarray) -> None:
        """Take note of an excerpt ``(T, C)``."""
        self.peak = max(self.peak, _peak(channels))
        # Those of another number of channels are of another part of the file and cannot be added up.
        if not self.excerpts or len(self.excerpts[0][0]) == channels.shape[1]:
            self.excerpts.append(_powers(channels))

    def alone(self) -> int | None:
        """The channel to hear by itself, from 0, where mixing loses them in at least half of what can be heard."""
        loudest = max((float(powers.max()) for powers, _ in self.excerpts), default=0.0)
        audible = [(powers, mean) for powers, mean in self.excerpts if powers.max() >= max(_AUDIBLE * loudest, _SILENT)]
        lost = [powers for powers, mean in audible if _lost(powers, mean)]
        return _loudest(np.sum(lost, axis=0)) if lost and 2 * len(lost) >= len(audible) else None

    def gain(self) -> float:
        """By what samples are to be multiplied to lie in [-1, 1]; 1 where hardly any lies outside.

        Floats on the scale of 16, 24 or 32-bit integers are brought to their own scale, others to that of their peak.
        """
        if self.peak <= _OVER:
            return 1.0
        scale = next((s for s in _SCALES if s / _SOFTEST < self.peak <= s), self.peak)
        return 1 / scale

    def decibels(self) -> float:
        """By how much the mean is quieter than the loudest channel, over all excerpts; at most 99."""
        mean = sum(mean for _, mean in self.excerpts)
        most = float(np.sum([powers for powers, _ in self.excerpts], axis=0).max())
        return min(99.0, 10 * float(np.log10(most / max(mean, 1e-30))))


def _peak(channels: np.ndarray) -> float:
    sizes = np.abs(channels)
    peak = float(sizes.max(initial=0.0))
    # Few samples of damaged floats may be of any size.
    return peak if peak <= _OVER else float(np.percentile(sizes, _NOT_SINGLE))


def _powers(channels: np.ndarray) -> tuple[np.ndarray, float]:
    """The mean power of each channel, and that of their mean."""
    length, count = channels.shape
    # Without its constant offset: a channel that its sound card shifts is not loud.
    centred = channels - np.full(length, 1 / length, dtype=channels.dtype) @ channels
    mean = centred @ np.full(count, 1 / count, dtype=centred.dtype)
    return np.einsum("tc,tc->c", centred, centred).astype(np.float64) / length, float(mean @ mean) / length


def _loudest(powers: np.ndarray) -> int:
    """The first of the channels that are the loudest but for rounding, which processors do in different ways."""
    return int(np.argmax(powers >= (1 - 1e-6) * powers.max()))


def _lost(powers: np.ndarray, mean: float) -> bool:
    return bool(powers.max() > _SILENT and mean < _CANCELLED * powers.sum() / len(powers) ** 2)
