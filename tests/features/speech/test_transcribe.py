from __future__ import annotations

import os
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from crossspace.errors import DataError, UsageError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.conversation import Extraction
from crossspace.features.extraction.keys import media_digest
from crossspace.features.sources import Recording
from crossspace.features.speech.transcribe import Transcription
from crossspace.features.speech.transcribing import Transcribing, transcribing
from crossspace.transcripts import Transcript

pytest.importorskip("av")

Recorded = Callable[..., Path]
TALK = ((None, 0.5), (0, 2.0), (None, 0.6), (1, 3.0), (None, 0.4), (0, 2.0))


def transcript(path: Path, wanted: Transcribing, cache: FeatureCache | None = None, said: object = None) -> Transcript:
    from crossspace.features.media import open_media

    told = said if callable(said) else lambda stage: None
    return Transcription(wanted).transcript(open_media(path), media_digest(path), cache, told)


@pytest.mark.usefixtures("fakes")
@pytest.mark.parametrize("speakers", [2, "auto"])
def test_a_recording_alone_says_what_was_said_and_by_whom(recorded: Recorded, speakers: int | str) -> None:
    found = transcript(recorded(*TALK), Transcribing("counting", speakers, "pitch"))
    assert [cue.speaker for cue in found.cues] == ["speaker 1", "speaker 2", "speaker 1"]
    assert (found.cues[0].text or "").startswith("word word word word.")
    assert found.cues[0].recognised["text"] == 0.9
    assert 0.2 <= found.cues[0].start <= 0.6 and all(c.recognised["speaker"] > 0.9 for c in found.cues)  # type: ignore[operator]
    assert "recognised by counting 1 (word=word), mean confidence 0.90" in found.notes[0]
    assert "2 speakers were told by the sound of voices (pitch 1)" in found.notes[1]


@pytest.mark.usefixtures("fakes")
def test_speakers_are_told_apart_only_where_that_is_asked_for(recorded: Recorded) -> None:
    found = transcript(recorded(*TALK), Transcribing("counting"))
    assert {cue.speaker for cue in found.cues} == {"speaker"}
    assert all(set(cue.recognised) == {"text"} for cue in found.cues)
    assert "not told apart" in found.notes[-1]


def test_what_is_known_is_not_recognised_again(recorded: Recorded, tmp_path: Path, fakes: type) -> None:
    path, cache = recorded(*TALK), FeatureCache(tmp_path)
    first = transcript(path, Transcribing("counting", 2, "pitch"), cache)
    asked = len(fakes.asked)
    assert transcript(path, Transcribing("counting", 2, "pitch"), cache) == first
    # Another number of speakers needs no sound at all; another recogniser does.
    transcript(path, Transcribing("counting", 1, "pitch"), cache)
    assert len(fakes.asked) == asked
    assert "other" in (transcript(path, Transcribing("counting,word=other"), cache).cues[0].text or "")
    assert len(fakes.asked) == 2 * asked


def test_hours_are_heard_in_pieces_of_half_a_minute_and_the_progress_is_told(recorded: Recorded, fakes: type) -> None:
    said: list[str] = []
    parts = [part for k in range(20) for part in ((k % 2, 9.0), (None, 0.5))]
    found = transcript(recorded(*parts), Transcribing("counting", 2, "pitch"), said=said.append)
    assert max(fakes.asked) <= 30 * 16_000 + 1
    assert said[0] == "speech" and said[-1] == f"words, {len(fakes.asked)} of {len(fakes.asked)} stretches"
    assert len({cue.speaker for cue in found.cues}) == 2


def test_a_recogniser_that_believes_nothing_is_told(
    recorded: Recorded, fakes: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes, "doubtful", True)
    with pytest.raises(DataError, match=r"no words in them\. Left out .* a guess \(1: 0:00:00\.300\)\. Give"):
        transcript(recorded(*TALK), Transcribing("counting"))


def _write_stereo(path: Path, left: np.ndarray, right: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, 16_000, 0, "NONE", ""))
        file.writeframes((np.stack([left, right], axis=1) * 32767).astype("<i2").tobytes())


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tone: Callable[..., np.ndarray]) -> Recording:
    """A channel for each of two: Ann is heard for one second of her two, and meanwhile Ben speaks as well."""
    from crossspace.features.voice import channels

    ann = [tone(0, 1.0), tone(None, 4.0)]
    ben = [tone(None, 1.0), tone(1, 1.0), tone(None, 1.0), tone(1, 2.0)]
    _write_stereo(tmp_path / "call.wav", np.concatenate(ann), np.concatenate(ben))
    stretches = [(0.0, 2.0, 0), (3.0, 5.0, 1)]
    monkeypatch.setattr(channels, "speech_by_channel", lambda media, notes: stretches)
    return Recording("call", None, tmp_path / "call.wav", channels=("Ann", "Ben"))


def test_where_each_speaker_has_a_channel_their_words_are_heard_in_it_alone(
    call: Recording, tmp_path: Path, fakes: type
) -> None:
    cache, said = FeatureCache(tmp_path), list[str]()
    extraction = Extraction({}, cache, Transcription(Transcribing("counting")))
    found = extraction.run(call, said.append)
    ann, ben = found.conversation.utterances
    assert (ann.speaker, ann.text, ben.speaker, ben.text) == ("Ann", "word word", "Ben", "word word word word.")
    assert ben.start > 2.5 and {*ann.recognised, *ben.recognised} == {"text"}
    assert any("Each speaker has a channel: Ann, Ben." in note for note in found.notes)
    assert "words, 1 of 1 stretches of Ben" in said
    asked = len(fakes.asked)
    # By their representations: utterances with vectors are equal to none but themselves.
    assert repr(extraction.run(call).conversation) == repr(found.conversation) and len(fakes.asked) == asked


def test_voices_are_not_told_apart_beside_channels(call: Recording, fakes: type) -> None:
    wanted = Transcribing("counting", 2, "pitch")
    with pytest.raises(UsageError, match="Speakers are those of the channels"):
        Extraction({}, None, Transcription(wanted)).run(call)


def test_channels_in_which_nothing_is_believed_are_refused(
    call: Recording, fakes: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes, "doubtful", True)
    with pytest.raises(DataError, match=r"Found 2 stretches that sound like speech, and no words in them\. Left out"):
        Extraction({}, None, Transcription(Transcribing("counting"))).run(call)


def test_what_was_decided_about_the_sound_is_told_where_no_words_are_found(
    tmp_path: Path, tone: Callable[..., np.ndarray], fakes: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fakes, "doubtful", True)
    _write_stereo(tmp_path / "a.wav", tone(0, 2.0), -tone(0, 2.0))
    extraction = Extraction({}, None, Transcription(Transcribing("counting")))
    with pytest.raises(DataError, match=r"no words in them.*2 channels cancel each other"):
        extraction.run(Recording("a", None, tmp_path / "a.wav"))


def test_impossible_wishes_are_refused() -> None:
    for count in (0, 17, 2.5, True, "two"):
        with pytest.raises(UsageError, match="number from 1 to 16, or 'auto'"):
            Transcribing("whisper:x", count)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="--transcribe whisper:FOLDER"):
        transcribing(None, speakers=2)
    with pytest.raises(UsageError, match="how many there are"):
        transcribing("whisper:x", None, "ge2e")
    assert transcribing(None) is None
    with pytest.raises(UsageError, match="no recogniser 'wisper'"):
        Transcription(Transcribing("wisper:x")).prepared()


MORTAL = '''
import os, signal
from pathlib import Path
from crossspace.features.speech.recognisers import Heard, HeardWord, Recogniser

class Mortal(Recogniser):
    """Hears one word in each piece, and is killed at the third where there is no file 'immortal'."""
    name = "mortal"
    licence = "Apache-2.0"
    def __init__(self):
        self.version, self.parameters, self.count = "1", {}, 0
    def recognise(self, samples, language=None):
        with open("asked", "a") as log:
            log.write("x")
        self.count += 1
        if self.count == 3 and not Path("immortal").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return Heard((HeardWord(" word.", 0.0, 2.0, 0.5),))
'''


SCRIPT = """
import os
import crossspace.features.voice.speech as speech
from crossspace.cli.main import main
from crossspace.features.extraction import corpus
from crossspace.transcripts import Cue, Transcript

# Silero hears no speech in tones.
cues = tuple(Cue(None, start=20.0 * k, end=20.0 * k + 19) for k in range(5))
speech.speech_transcript = lambda media: Transcript(cues)
words = "extract talk.wav talk.parquet --transcribe mortal --import mortal.py --text none --visual none --cache cache"
if (child := os.fork()) == 0:
    os._exit(main([*words.split(), "--quiet"]))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9
assert not os.path.exists("talk.parquet")
open("immortal", "w").close()
raise SystemExit(main([*words.split(), "--quiet"]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a process is to be killed and another to go on")
@pytest.mark.long
def test_a_killed_transcription_goes_on_where_it_was(recorded: Recorded, tmp_path: Path) -> None:
    pytest.importorskip("silero_vad")
    recorded(*[(0, 20.0)] * 5)
    (tmp_path / "mortal.py").write_text(MORTAL)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT]
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    # Three of five pieces were begun before, of which two were kept.
    assert (tmp_path / "asked").read_text() == "x" * (3 + 3)
    from crossspace.data.corpus import Corpus

    (conversation,) = Corpus.read(tmp_path / "talk.parquet").split("all")
    assert [u.recognised for u in conversation.utterances] == [{"text": 0.5}] * 5
