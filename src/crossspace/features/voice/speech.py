"""Where somebody speaks in a recording that comes without a transcript."""

from __future__ import annotations

import importlib.metadata
import math
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np
import torch

from crossspace.errors import DataError
from crossspace.features.extractors.base import RATE
from crossspace.features.media.audio import audio_blocks
from crossspace.features.media.tracks import Media
from crossspace.runtime import optional_import
from crossspace.transcripts.transcript import Cue, Transcript

WINDOW = 512
"""Samples that silero-vad judges at a time: 32 ms."""
PAUSE, SHORTEST, LONGEST_STRETCH = 0.3, 0.25, 30.0
"""Seconds: without speech that end an utterance; below which a stretch is noise; beyond which it is cut."""


def speech_transcript(
    media: Media,
    threshold: float = 0.5,
    pause: float = PAUSE,
    shortest: float = SHORTEST,
    longest: float = LONGEST_STRETCH,
) -> Transcript:
    """One utterance per stretch of speech, found by silero-vad: its words and its speaker are not known.

    The sound is heard in blocks, so the memory does not grow with its length; an hour takes one to two minutes.

    Args:
        media: the recording.
        threshold: probability from which a window of 32 ms counts as speech.
        pause: seconds without speech that end an utterance.
        shortest: seconds; shorter stretches are noise.
        longest: seconds; longer stretches are cut into equal parts.

    Returns:
        The utterances; the notes tell of damaged sound, if there was any.

    Raises:
        DataError: the recording has no sound, or nobody speaks in it.
        MissingExtraError: silero-vad is not installed.
    """
    if media.audio is None:
        raise DataError(f"{media.path} has no sound in which to find utterances. Give a transcript with times.")
    notes: list[str] = []
    listener = Listener(threshold, pause)
    stretches = [one for block in audio_blocks(media, notes=notes) for one in listener.hear(block)] + listener.finish()
    parts = [part for stretch in stretches for part in parts_of(*stretch, shortest, longest)]
    if not parts:
        raise DataError(f"{media.path} should hold speech. Nobody was heard to speak. Give a transcript with times.")
    return Transcript(tuple(Cue(None, start=start, end=end) for start, end in parts), tuple(notes))


def note_by_sound(count: int) -> str:
    """The note on ``count`` utterances that were found so."""
    return (
        f"There was no transcript: {count} utterances were found by their sound (silero-vad {silero_version()}); who "
        "speaks and what is said is not known."
    )


def silero_version() -> str:
    """The release of silero-vad, whose stretches another one may draw differently.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.metadata.version("silero-vad")
    except importlib.metadata.PackageNotFoundError:
        optional_import("silero_vad", "media")
        raise


def silero() -> ModuleType:
    """The library that knows speech.

    Raises:
        MissingExtraError: it is not installed.
    """
    # Importing silero_vad sets PyTorch to a single thread for the whole process.
    threads = torch.get_num_threads()
    try:
        return optional_import("silero_vad", "media")
    finally:
        torch.set_num_threads(threads)


class Listener:
    """Finds stretches of speech in one channel, whose samples come one block after the other.

    Args:
        threshold, pause: as :func:`speech_transcript`.
    """

    def __init__(self, threshold: float = 0.5, pause: float = PAUSE) -> None:
        vad = silero()
        self._judge: Any = vad.VADIterator(
            vad.load_silero_vad(),
            threshold=threshold,
            sampling_rate=RATE,
            min_silence_duration_ms=round(1000 * pause),
        )
        self._rest = np.zeros(0, dtype=np.float32)
        self._start: float | None = None
        self._heard = 0

    def hear(self, block: np.ndarray) -> list[tuple[float, float]]:
        """``(start, end)`` in seconds of each stretch that has ended in ``block`` ``(T,)``."""
        # What does not fill a window waits for the next block: silero judges windows of this size only.
        samples = np.concatenate([self._rest, block])
        whole = len(samples) // WINDOW * WINDOW
        self._rest = samples[whole:]
        return [one for window in samples[:whole].reshape(-1, WINDOW) for one in self._window(window)]

    def finish(self) -> list[tuple[float, float]]:
        """The stretches that last to the end."""
        # The last window is filled up with silence.
        ended = self._window(np.pad(self._rest, (0, WINDOW - len(self._rest)))) if len(self._rest) else []
        # Speech that lasts to the end has no window after it that could end it.
        return [*ended, *([(self._start, self._heard / RATE)] if self._start is not None else [])]

    def _window(self, window: np.ndarray) -> list[tuple[float, float]]:
        change = self._judge(torch.from_numpy(window)) or {}
        self._heard += WINDOW
        if "start" in change:
            self._start = change["start"] / RATE
        if "end" not in change or self._start is None:
            return []
        start, self._start = self._start, None
        return [(start, change["end"] / RATE)]


def parts_of(start: float, end: float, shortest: float, longest: float) -> list[tuple[float, float]]:
    """A stretch as utterances: none where it is too short, several where it is too long."""
    if end - start < shortest:
        return []
    # Equal parts: a full one and a rest of a second would make an utterance of half a word.
    count = math.ceil((end - start) / longest)
    edges = [round(start + part * (end - start) / count, 3) for part in range(count + 1)]
    return list(pairwise(edges))
