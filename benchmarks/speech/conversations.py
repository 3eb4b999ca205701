"""Conversations made of clips of real people: who speaks when is known, since it was drawn."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from benchmarks.speech.speaker_errors import Turn
from crossspace.features.extractors.base import RATE
from crossspace.features.media import audio_blocks, open_media

_LOUDNESS = 0.05
"""Root mean square that every clip is brought to: people should not be told apart by how far the microphone was."""


def clips_of(folder: Path) -> dict[str, list[np.ndarray]]:
    """``{speaker: sounds}`` of a folder with a folder of recordings for each speaker."""
    people: dict[str, list[np.ndarray]] = {}
    for path in sorted(folder.glob("*/*")):
        blocks = list(audio_blocks(open_media(path)))
        if blocks and len(trimmed := _trimmed(np.concatenate(blocks))) >= RATE:
            people.setdefault(path.parent.name, []).append(trimmed)
    return people


def drawn(
    people: dict[str, list[np.ndarray]], count: int, seconds: float, random: np.random.Generator
) -> tuple[np.ndarray, list[Turn]]:
    """The sound of a conversation of ``count`` people, and its turns.

    Turns of one to three clips follow each other after 0.1 to 0.6 seconds; nobody speaks twice in a row.
    """
    names = [str(name) for name in random.choice(sorted(people), count, replace=False)]
    parts, turns, at, last = [], [], 0.0, ""
    while at < seconds:
        # Everybody speaks at least once.
        silent = [name for name in names if name not in {turn[2] for turn in turns}]
        name = str(random.choice(silent or [n for n in names if n != last] or names))
        for clip in random.choice(len(people[name]), min(int(random.integers(1, 4)), len(people[name])), replace=False):
            sound = people[name][int(clip)]
            gap = round(float(random.uniform(0.1, 0.6)) * RATE)
            turns.append((at, at + len(sound) / RATE, name))
            parts += [sound, np.zeros(gap, np.float32)]
            at += (len(sound) + gap) / RATE
        last = name
    whole = np.concatenate(parts)
    # A little noise: digital silence between clips would be a sign that no recording has.
    return whole + 1e-4 * random.standard_normal(len(whole)).astype(np.float32), turns


def write_wav(path: Path, samples: np.ndarray) -> None:
    """16-bit samples, 16,000 per second."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def _trimmed(samples: np.ndarray) -> np.ndarray:
    """Without silence at either end, as loud as all others."""
    loud = np.flatnonzero(np.abs(samples) > 0.03 * np.abs(samples).max())
    if not len(loud):
        return samples[:0]
    kept = samples[max(0, loud[0] - RATE // 50) : loud[-1] + RATE // 50]
    return kept * np.float32(_LOUDNESS / max(float(np.sqrt(np.mean(kept**2))), 1e-9))
