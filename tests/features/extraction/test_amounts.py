"""Work and memory of an extraction are in proportion to what is given, and what was not looked at is told."""

from __future__ import annotations

import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.errors import DataError
from crossspace.features.extraction.conversation import Extracted, Extraction
from crossspace.features.extraction.corpus import extract
from crossspace.features.extractors.base import AudioExtractor, Missing, TextExtractor
from crossspace.features.sources import Recording
from crossspace.transcripts import Cue, Transcript

pytest.importorskip("av")


class Loudness(AudioExtractor):
    name = "loudness"
    width, version, parameters = 1, "1", {}

    def __init__(self) -> None:
        self.seconds = 0.0

    def extract(self, items: Sequence[np.ndarray]) -> list[np.ndarray | Missing]:
        self.seconds += sum(map(len, items)) / 16_000
        return [np.array([np.abs(item).max()], np.float32) for item in items]


class Letters(TextExtractor):
    name = "letters"
    width, version, parameters, limit = 1, "1", {}, 5

    def extract(self, items: Sequence[str]) -> list[np.ndarray | Missing]:
        return [np.array([len(item[: self.limit])], np.float32) for item in items]

    def is_overlong(self, text: str) -> bool:
        return len(text) > self.limit


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """Four seconds of noise."""
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.random.default_rng(0).integers(-9000, 9000, 32_000).astype("<i2").tobytes())
    return tmp_path / "a.wav"


def test_utterances_that_all_speak_at_once_are_refused_before_any_is_heard(sound: Path) -> None:
    loudness = Loudness()
    cues = tuple(Cue("x", start=i * 1e-4, end=4.0) for i in range(5000))
    with pytest.raises(DataError, match=r"at once. Found utterances of 1[0-9]{4} seconds"):
        Extraction({"audio": loudness}).run(Recording("crowd", Transcript(cues), sound))
    assert loudness.seconds == 0


def test_a_few_who_speak_at_once_are_heard_and_those_of_one_cue_once(sound: Path) -> None:
    loudness = Loudness()
    cues = (*(Cue("x", speaker, 1.0, 3.0) for speaker in "ABCDEFGH"), Cue("y", "A", 3.0, 4.0))
    found = Extraction({"audio": loudness}).run(Recording("choir", Transcript(cues), sound))
    assert loudness.seconds == pytest.approx(3.0)
    values = [u.features["audio"][0] for u in found.conversation.utterances]
    assert len(set(values[:8])) == 1 and values[8] != values[0]


def talk(*texts: str | None) -> Conversation:
    return Conversation("talk", tuple(Utterance(f"u{i}", "ANN", text) for i, text in enumerate(texts)))


def test_text_that_was_not_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extraction = Extraction({"text": Letters()})
    note = "Text beyond 5 tokens was not read (utterances 1, 3)."
    given = talk("far too long", "short", "too long", None)
    assert extraction.with_text(Extracted(given)).notes == (note,)
    recording = Recording("talk", Transcript(tuple(Cue(u.text) for u in given.utterances)))
    assert extraction.run(recording).notes == (note,)
    monkeypatch.setattr("crossspace.features.extraction.plan.build", lambda modality, name: Letters())
    for _ in ("first", "from the cache"):
        assert extract([recording], {"text": "letters"}, tmp_path / "c.parquet", cache=tmp_path).notes == {
            "talk": (note,)
        }
    one = extraction.with_text(Extracted(talk("far too long")))
    assert one.notes == ("Text beyond 5 tokens was not read (utterance 1).",)
    assert extraction.with_text(Extracted(one.conversation)).notes == ()
