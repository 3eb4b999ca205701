"""Where somebody speaks in a recording that comes without a transcript."""

from __future__ import annotations

import importlib.metadata
import math
from collections.abc import Iterable, Iterator
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

_WINDOW = 512
"""Samples that silero-vad judges at a time: 32 ms."""


def speech_transcript(
    media: Media, threshold: float = 0.5, pause: float = 0.3, shortest: float = 0.25, longest: float = 30.0
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
    silero = _silero()
    notes: list[str] = []
    listener = silero.VADIterator(
        silero.load_silero_vad(), threshold=threshold, sampling_rate=RATE, min_silence_duration_ms=round(1000 * pause)
    )
    stretches = _stretches(listener, audio_blocks(media, notes=notes))
    parts = [part for stretch in stretches for part in _parts(*stretch, shortest, longest)]
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


def _silero() -> ModuleType:
    # Importing silero_vad sets PyTorch to a single thread for the whole process.
    threads = torch.get_num_threads()
    try:
        return optional_import("silero_vad", "media")
    finally:
        torch.set_num_threads(threads)


def _stretches(listener: Any, blocks: Iterable[np.ndarray]) -> Iterator[tuple[float, float]]:
    """``(start, end)`` of each stretch of speech in seconds."""
    start: float | None = None
    heard = 0
    for window in _windows(blocks):
        change = listener(torch.from_numpy(window)) or {}
        heard += _WINDOW
        if "start" in change:
            start = change["start"] / RATE
        if "end" in change and start is not None:
            yield start, change["end"] / RATE
            start = None
    # Speech that lasts to the end has no window after it that could end it.
    if start is not None:
        yield start, heard / RATE


def _windows(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Windows ``(512,)`` one after the other; the last one is filled up with silence."""
    rest = np.zeros(0, dtype=np.float32)
    # What does not fill a window waits for the next block: silero judges windows of this size only.
    for block in blocks:
        rest = np.concatenate([rest, block])
        whole = len(rest) // _WINDOW * _WINDOW
        yield from rest[:whole].reshape(-1, _WINDOW)
        rest = rest[whole:]
    if len(rest):
        yield np.pad(rest, (0, _WINDOW - len(rest)))


def _parts(start: float, end: float, shortest: float, longest: float) -> list[tuple[float, float]]:
    if end - start < shortest:
        return []
    # Equal parts: a full one and a rest of a second would make an utterance of half a word.
    count = math.ceil((end - start) / longest)
    edges = [round(start + part * (end - start) / count, 3) for part in range(count + 1)]
    return list(pairwise(edges))
