"""Whether the channels of a recording can be mixed, or cancel each other."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

_CANCELLED = 0.25
"""Part of the power that unrelated channels would have when mixed; below this the mix has lost what they share."""
_AUDIBLE = 0.01
"""Part of the power of the loudest excerpt; what is quieter says nothing of how speech is mixed."""
_SILENT = 2.0**-30
"""Mean power of what does not move by one step of 16-bit audio."""


def is_cancelled(channels: np.ndarray) -> bool:
    """Whether the mean of channels ``(T, C)`` is much quieter than that of unrelated channels would be."""
    powers = _powers(channels)
    return _lost(powers, _power(channels.mean(axis=1)))


def mixed(channels: np.ndarray) -> np.ndarray:
    """The mean ``(T,)`` of channels ``(T, C)``, or the loudest of them where they cancel each other."""
    return channels[:, int(np.argmax(_powers(channels)))] if is_cancelled(channels) else channels.mean(axis=1)


@dataclass
class Mixing:
    """What excerpts of one track say of its channels.

    Attributes:
        excerpts: the power of each channel ``(C,)`` and that of their mean.
    """

    excerpts: list[tuple[np.ndarray, float]] = field(default_factory=list)

    def hear(self, channels: np.ndarray) -> None:
        """Take note of an excerpt ``(T, C)``."""
        # Those of another number of channels are of another part of the file and cannot be added up.
        if not self.excerpts or len(self.excerpts[0][0]) == channels.shape[1]:
            self.excerpts.append((_powers(channels), _power(channels.mean(axis=1))))

    def alone(self) -> int | None:
        """The channel to hear by itself, from 0, where mixing loses them in at least half of what can be heard."""
        loudest = max((float(powers.max()) for powers, _ in self.excerpts), default=0.0)
        audible = [(powers, mean) for powers, mean in self.excerpts if powers.max() >= max(_AUDIBLE * loudest, _SILENT)]
        lost = [powers for powers, mean in audible if _lost(powers, mean)]
        return int(np.argmax(np.sum(lost, axis=0))) if lost and 2 * len(lost) >= len(audible) else None

    def decibels(self) -> float:
        """By how much the mean is quieter than the loudest channel, over all excerpts; at most 99."""
        mean = sum(mean for _, mean in self.excerpts)
        most = float(np.sum([powers for powers, _ in self.excerpts], axis=0).max())
        return min(99.0, 10 * float(np.log10(most / max(mean, 1e-30))))


def _powers(channels: np.ndarray) -> np.ndarray:
    """The mean power of each channel, without its constant offset: one that is offset by its sound card is not loud."""
    return np.var(channels, axis=0, dtype=np.float64)


def _power(samples: np.ndarray) -> float:
    return float(np.var(samples, dtype=np.float64))


def _lost(powers: np.ndarray, mean: float) -> bool:
    return bool(powers.max() > _SILENT and mean < _CANCELLED * powers.sum() / len(powers) ** 2)
