"""A recogniser and a speaker encoder that need no model: tones stand for voices, and their length for words."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from crossspace.components import registry
from crossspace.components.imports import register
from crossspace.features.speech.recognisers import Doubt, Heard, HeardWord, Recogniser
from crossspace.features.speech.speaker_encoders import SpeakerEncoder
from crossspace.transcripts import Cue, Transcript

RATE = 16_000
TONES = (150.0, 260.0, 420.0)
"""Hertz of the voices of speakers."""


class Counting(Recogniser):
    """Hears a word in every half second of a piece that sounds; the pitch is written behind it."""

    name = "counting"
    licence = "Apache-2.0"
    asked: ClassVar[list[int]] = []
    doubtful: ClassVar[bool] = False

    def __init__(self, word: str = "word") -> None:
        self.word, self.version, self.parameters = word, "1", {"word": word}

    def recognise(self, samples: np.ndarray, language: str | None = None) -> Heard:
        self.asked.append(len(samples))
        if self.doubtful:
            return Heard((), (Doubt(0.0, 1.0, "words that are a guess"),))
        words = []
        for at in range(0, len(samples) - RATE // 4, RATE // 2):
            part = samples[at : at + RATE // 2]
            if np.abs(part).max() > 0.01:
                end = "." if len(words) % 4 == 3 else ""
                words.append(HeardWord(f" {self.word}{end}", at / RATE, (at + len(part)) / RATE, 0.9))
        return Heard(tuple(words))


class Pitch(SpeakerEncoder):
    """Tells tones apart by the strongest frequency."""

    name = "pitch"
    licence = "Apache-2.0"
    same_voice = 0.7
    sharpness = 20.0

    def __init__(self) -> None:
        self.width, self.version, self.parameters = len(TONES), "1", {}

    def encode(self, windows: Sequence[np.ndarray]) -> np.ndarray:
        rows = np.zeros((len(windows), self.width), dtype=np.float32)
        for row, samples in zip(rows, windows, strict=True):
            strongest = np.abs(np.fft.rfft(samples)).argmax() * RATE / len(samples)
            row[int(np.abs(np.array(TONES) - strongest).argmin())] = 1.0
        return rows


@pytest.fixture
def fakes(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Counting]]:
    """Makes both known by name, and speech found in whatever sounds."""
    from crossspace.features.voice import speech

    before = dict(registry.OUTSIDE)
    register(Counting)
    register(Pitch)
    Counting.asked.clear()
    monkeypatch.setattr(Counting, "doubtful", False)
    monkeypatch.setattr(speech, "speech_transcript", _sounding)
    monkeypatch.setattr(speech, "silero_version", lambda: "test")
    yield Counting
    registry.OUTSIDE.clear()
    registry.OUTSIDE.update(before)


def _sounding(media: object) -> Transcript:
    from crossspace.features.media import audio_blocks

    samples = np.concatenate(list(audio_blocks(media)))  # type: ignore[arg-type]
    # Tenths of a second that sound, and where that changes.
    loud = np.abs(samples[: len(samples) // 1600 * 1600].reshape(-1, 1600)).max(axis=1) > 0.01
    edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]]).astype(int))) / 10
    return Transcript(tuple(Cue(None, start=a, end=b) for a, b in edges.reshape(-1, 2).tolist()))


@pytest.fixture
def recorded(tmp_path: Path, tone: Callable[[int | None, float], np.ndarray]) -> Callable[..., Path]:
    """Writes a WAV file of ``(speaker or None, seconds)``: the tone of a speaker, or silence."""

    def write(*parts: tuple[int | None, float], name: str = "talk.wav") -> Path:
        sound = [tone(speaker, seconds) for speaker, seconds in parts]
        with wave.open(str(tmp_path / name), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((np.concatenate(sound) * 32767).astype("<i2").tobytes())
        return tmp_path / name

    return write


@pytest.fixture
def tone() -> Callable[[int | None, float], np.ndarray]:
    """The sound of a speaker, or silence, of some seconds."""

    def sound(speaker: int | None, seconds: float) -> np.ndarray:
        time = np.arange(round(seconds * RATE)) / RATE
        return 0.0 * time if speaker is None else 0.3 * np.sin(2 * np.pi * TONES[speaker] * time)

    return sound
