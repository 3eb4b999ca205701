"""Which of several audio tracks holds the conversation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch

from crossspace.features.extractors.base import RATE
from crossspace.features.media.mixing import mixed
from crossspace.features.media.tracks import AudioTrack
from crossspace.features.voice.speech import WINDOW, silero

_ALIKE = 0.7
"""Part of the most speech in any track from which a track has as much."""
_HARDLY = 0.01
"""Mean probability of speech below which nobody was heard to speak."""


def speech_by_track(pieces: Iterable[tuple[int, np.ndarray]]) -> dict[int, float]:
    """The mean probability of speech in excerpts ``(index, (T, C))`` of several tracks, by the index of the track."""
    model = silero().load_silero_vad()
    sums: dict[int, float] = {}
    counts: dict[int, int] = {}
    for index, channels in pieces:
        # Each excerpt by itself: what was heard of another track or place says nothing of this one.
        model.reset_states()
        samples = mixed(channels)
        # Of floats on another scale: silero hears what lies in [-1, 1].
        samples = (samples / max(1.0, float(np.abs(samples).max(initial=0.0)))).astype(np.float32)
        windows = samples[: len(samples) // WINDOW * WINDOW].reshape(-1, WINDOW)
        with torch.no_grad():
            sums[index] = sums.get(index, 0.0) + sum(model(torch.from_numpy(w), RATE).item() for w in windows)
        counts[index] = counts.get(index, 0) + len(windows)
    return {index: sums[index] / max(1, count) for index, count in counts.items()}


def track_with_speech(tracks: Sequence[AudioTrack], speech: Mapping[int, float]) -> AudioTrack | None:
    """The track in which most is said; ``None`` where in none of them anything is.

    Of those with about as much it is one that is no comment or other companion, then the one that players should take
    by default, then the first.
    """
    most = max((speech.get(track.index, 0.0) for track in tracks), default=0.0)
    if most < _HARDLY:
        return None
    alike = [track for track in tracks if speech.get(track.index, 0.0) >= _ALIKE * most]
    return min(alike, key=lambda track: (track.aside, not track.default, track.number))
