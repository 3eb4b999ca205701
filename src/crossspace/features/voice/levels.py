"""How loud the channels of a recording are against each other: which of them belongs to whoever speaks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossspace.features.extractors.base import RATE
from crossspace.features.media.container import Faults
from crossspace.features.media.samples import pieces
from crossspace.features.media.tracks import Media

_FLOOR = -90.0
"""Decibels of silence: one step of 16-bit audio."""
_LOUDEST = 0.1
"""Part of the utterances, the loudest ones, by which the level of a channel is judged."""
_MOST_HELP = 15.0
"""Decibels by which a quiet channel is raised at most: one without a speaker holds noise."""


def decibels(power: np.ndarray) -> np.ndarray:
    """Power as decibels, no lower than silence."""
    return np.maximum(10 * np.log10(np.maximum(power, 1e-30)), _FLOOR)


def raised(levels: Sequence[float] | np.ndarray) -> np.ndarray:
    """Decibels ``(C,)`` by which channels are raised before they are compared: half of what they lack.

    Speech that leaks into another channel is quieter there by some ``a`` decibels, and channels are recorded at levels
    that differ by some ``g``. Compared as they are, the quieter speaker would lose his utterances where ``g`` is more
    than ``a``; raised to one level, a channel that holds nothing but what leaks into it would equal the one from which
    it leaks. Raised by half, both are told apart: a channel without a speaker stays ``a / 2`` behind, and a speaker is
    found while ``g`` is less than ``2 a``.
    """
    levels = np.asarray(levels, dtype=np.float64)
    return np.minimum((levels.max() - levels) / 2, _MOST_HELP)


def channel_levels(media: Media, spans: Sequence[tuple[float, float]]) -> np.ndarray:
    """Decibels ``(N, C)`` of each channel while each span lasts; silence where there is no sound.

    One pass over the file, of which nothing is kept but the sums.

    Args:
        media: the recording.
        spans: ``(start, end)`` in seconds, in any order.
    """
    assert media.audio is not None
    edges = np.round(np.asarray(spans, dtype=np.float64).reshape(-1, 2) * RATE).astype(np.int64)
    sums = np.zeros((len(edges), media.audio.channels))
    order = np.argsort(edges[:, 0], kind="stable")
    waiting, running = list(order[::-1]), list[int]()
    for piece in pieces(media, RATE, Faults(), apart=True):
        end = piece.at + len(piece.samples)
        while waiting and edges[waiting[-1], 0] < end:
            running.append(waiting.pop())
        for index in running:
            part = piece.samples[max(edges[index, 0] - piece.at, 0) : max(edges[index, 1] - piece.at, 0)]
            sums[index] += np.einsum("tc,tc->c", part, part, dtype=np.float64)
        running = [index for index in running if edges[index, 1] > end]
        if not running and not waiting:
            break
    lengths = np.maximum(edges[:, 1:] - edges[:, :1], 1)
    return decibels(sums / lengths)


def louder_channels(levels: np.ndarray) -> list[int | None]:
    """The channel of each utterance of which ``levels`` ``(N, C)`` are given; ``None`` where all are silent."""
    if not len(levels):
        return []
    # By the loudest utterances of a channel, which are those of its own speaker.
    most = max(1, round(_LOUDEST * len(levels)))
    own = np.sort(levels, axis=0)[-most:].mean(axis=0)
    chosen = np.argmax(levels + raised(own), axis=1)
    return [int(c) if row.max() > _FLOOR else None for c, row in zip(chosen, levels, strict=True)]
