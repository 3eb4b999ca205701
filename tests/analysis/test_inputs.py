"""What is given to be analyzed is read with what is known of its recording."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from crossspace.analysis.inputs import inputs_of
from crossspace.features.extraction.conversation import Extraction
from crossspace.features.sources import Recording
from crossspace.serve.look import look_at_upload
from crossspace.serve.settings import Settings


@pytest.fixture
def talk(tmp_path: Path) -> tuple[Path, Path]:
    """Two seconds of sound, and times that would be plausible as seconds."""
    with wave.open(str(tmp_path / "talk.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(b"\0\1" * 16_000)
    (tmp_path / "talk.csv").write_text("start,end,text\n10,40,yes\n50,90,no\n95,99,well\n")
    return tmp_path / "talk.wav", tmp_path / "talk.csv"


def test_the_length_of_the_recording_says_what_times_count_on_every_way_in(talk: tuple[Path, Path]) -> None:
    sound, transcript = talk
    ways = [
        inputs_of(sound, transcript)[1],
        look_at_upload(sound, transcript, Settings()),
        Extraction({}).run(Recording("talk", transcript, sound)).conversation,
    ]
    for found in ways:
        utterances = getattr(found, "cues", None) or found.utterances
        assert [u.start for u in utterances] == [0.01, 0.05, 0.095]
    _, alone = inputs_of(transcript)
    assert [cue.start for cue in alone.cues] == [10.0, 50.0, 95.0]
