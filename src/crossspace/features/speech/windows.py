"""The short windows of speech by which voices are told apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crossspace.features.extractors.base import RATE
from crossspace.features.speech.chunks import Chunk, Span

WINDOW, HOP = 1.5, 0.75
"""Seconds of a window, long enough for a voice, and from one to the next."""
SHORTEST = 0.3
"""Seconds; in less there is no voice to be heard."""


def windows(speech: Sequence[Span]) -> list[Span]:
    """Windows inside stretches of speech, so that none spans the pause in which another may begin to speak.

    A stretch shorter than a window is one itself; the last window of a longer one ends with it.
    """
    spans: list[Span] = []
    for start, end in speech:
        if end - start < SHORTEST:
            continue
        if end - start <= WINDOW:
            spans.append((start, end))
            continue
        last = end - WINDOW
        places = [*np.arange(start, last - HOP / 2, HOP).tolist(), last]
        spans += [(place, place + WINDOW) for place in places]
    return spans


def window_samples(chunk: Chunk, sound: Sequence[np.ndarray | None], spans: Sequence[Span]) -> list[np.ndarray]:
    """The samples of each window of a chunk, from those of the spans of the chunk.

    Windows of the usual length have the very same number of samples, whatever their place.
    """
    cut: list[np.ndarray] = []
    for start, end in spans:
        number = next((n for n, (a, b) in enumerate(chunk.spans) if a <= start < b), len(chunk.spans) - 1)
        samples, first = sound[number], chunk.spans[number][0]
        length = round((end - start) * RATE)
        at = round((start - first) * RATE)
        part = np.zeros(0, np.float32) if samples is None else samples[at : at + length]
        # Where the sound ends before the packets said it would.
        cut.append(np.pad(part, (0, length - len(part))))
    return cut
