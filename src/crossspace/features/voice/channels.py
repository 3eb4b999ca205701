"""Who speaks when in a recording with one speaker per channel."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d

from crossspace.errors import DataError
from crossspace.features.extractors.base import RATE
from crossspace.features.media.audio import audio_blocks
from crossspace.features.media.tracks import Media
from crossspace.features.voice.levels import decibels
from crossspace.features.voice.speech import LONGEST_STRETCH, PAUSE, SHORTEST, Listener, parts_of

Stretch = tuple[float, float, int]
"""Start and end in seconds, and the channel, from 0."""

_FRAME = 0.1
"""Seconds of which the level of a channel is one number."""
_REACH = 7
"""Frames of which the loudest counts: between two words of one speaker nobody else begins."""
_LEAKS = 5.0
"""Decibels by which another channel that speaks is louder where this one only holds what leaks over."""
_ROUNDS, _TWO_GROUPS, _EXPLAINED = 20, 8.0, 0.8
"""How often groups are formed anew, by how many decibels they differ, and how much of all variation that explains: of
values that are spread evenly it would be 0.75."""
_OWN = 15.0
"""Decibels below the level of a channel at which its speaker may still be."""


def speech_by_channel(media: Media, notes: list[str]) -> list[Stretch]:
    """The stretches of speech of each channel, sorted by time, without what leaks over from other channels.

    Each channel is heard by itself. Where several hold speech at the same time, those that are quieter by far hold the
    speech of another, which leaks over; people who really speak at the same time are heard in their channels both. One
    pass; of the sound nothing is kept but the level of every tenth of a second.

    Args:
        media: the recording, with several channels.
        notes: takes a sentence on damaged sound.

    Raises:
        DataError: nobody speaks.
        MissingExtraError: silero-vad is not installed.
    """
    assert media.audio is not None
    listeners = [Listener() for _ in range(media.audio.channels)]
    heard: list[list[tuple[float, float]]] = [[] for _ in listeners]
    levels = []
    frame = round(_FRAME * RATE)
    # Whole frames in every block, so that no frame lies in two.
    for block in audio_blocks(media, seconds=30.0, notes=notes, apart=True):
        for channel, listener in enumerate(listeners):
            heard[channel] += listener.hear(np.ascontiguousarray(block[:, channel]))
        starts = np.arange(0, len(block), frame)
        power = np.add.reduceat(np.square(block, dtype=np.float32), starts, axis=0)
        levels.append((power / np.diff(np.append(starts, len(block)))[:, None]).astype(np.float32))
    for channel, listener in enumerate(listeners):
        heard[channel] += listener.finish()
    stretches = _own(heard, decibels(np.concatenate(levels))) if levels else []
    if not stretches:
        raise DataError(f"{media.path} should hold speech. Nobody was heard to speak. Give a transcript with times.")
    return stretches


def _own(heard: list[list[tuple[float, float]]], levels: np.ndarray) -> list[Stretch]:
    """Of the stretches of each channel, what belongs to its own speaker; ``levels`` ``(F, C)`` in decibels."""
    speaks = np.zeros(levels.shape, dtype=bool)
    for channel, stretches in enumerate(heard):
        for start, end in stretches:
            speaks[int(start / _FRAME) : int(np.ceil(end / _FRAME)), channel] = True
    level = np.array([_level(levels[speaks[:, c], c]) for c in range(levels.shape[1])])
    if not speaks.any():
        return []
    near = maximum_filter1d(levels, _REACH, axis=0)
    near = near - _offsets(near, speaks)
    # A channel in which nobody speaks may be as loud as it likes: it hums.
    loudest = np.where(speaks, near, -np.inf).max(axis=1)
    own = speaks & (near > loudest[:, None] - _LEAKS)
    found: list[Stretch] = []
    for channel, stretches in enumerate(heard):
        for start, end in stretches:
            for begin, stop in _runs(own[:, channel], start, end):
                frames = levels[int(begin / _FRAME) : int(np.ceil(stop / _FRAME)), channel]
                # Where a speaker pauses, the noise in another channel is no speech though it is as loud.
                if (begin, stop) == (start, end) or frames.max(initial=-np.inf) > level[channel] - _OWN:
                    found += [(*part, channel) for part in parts_of(begin, stop, SHORTEST, LONGEST_STRETCH)]
    return sorted(found)


def _offsets(levels: np.ndarray, speaks: np.ndarray) -> np.ndarray:
    """Decibels ``(C,)`` by which channels were recorded louder than others, as far as speech in both of them tells.

    Where speech is heard in a channel and in another, it is either the speaker of the one or that of the other. If both
    occur, the differences of their levels fall into two groups, and what lies between them is the difference of the
    recording. If all are alike, one of the two channels only holds what leaks into it, and there is nothing to tell.
    """
    offsets = np.zeros(levels.shape[1])
    heard = np.where(speaks, levels, -np.inf)
    for channel in range(levels.shape[1]):
        others = np.delete(heard, channel, axis=1).max(axis=1)
        both = speaks[:, channel] & np.isfinite(others)
        # Half of it here and half in the other channel, whose differences are the same with the other sign.
        offsets[channel] = _between(levels[both, channel] - others[both]) / 2
    return offsets


def _between(values: np.ndarray) -> float:
    """The middle between two groups of values; 0 where they are one group."""
    if len(values) < 2:
        return 0.0
    low, high = np.percentile(values, (5, 95))
    for _ in range(_ROUNDS):
        upper = values > (low + high) / 2
        if upper.all() or not upper.any():
            return 0.0
        low, high = values[~upper].mean(), values[upper].mean()
    apart = upper.mean() * (1 - upper.mean()) * (high - low) ** 2
    return float(low + high) / 2 if high - low >= _TWO_GROUPS and apart >= _EXPLAINED * values.var() else 0.0


def _level(levels: np.ndarray) -> float:
    """How loud a channel is where it holds speech."""
    return float(np.percentile(levels, 90)) if len(levels) else -np.inf


def _runs(own: np.ndarray, start: float, end: float) -> list[tuple[float, float]]:
    """The parts of a stretch that are its speaker's own, over pauses that end no utterance."""
    first, last = int(start / _FRAME), min(int(np.ceil(end / _FRAME)), len(own))
    kept = own[first:last]
    if kept.all():
        return [(start, end)]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], kept, [False]]).astype(np.int8)))
    runs = [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    joined: list[list[int]] = []
    for begin, stop in runs:
        if joined and (begin - joined[-1][1]) * _FRAME <= PAUSE:
            joined[-1][1] = stop
        else:
            joined.append([begin, stop])
    # Where another speaker comes before or after, as many frames are his as the loudest was looked for in.
    near = _REACH // 2
    inner = [(a + near if a else a, b - near if b < len(kept) else b) for a, b in joined]
    return [(max(start, (first + a) * _FRAME), min(end, (first + b) * _FRAME)) for a, b in inner if b > a]
