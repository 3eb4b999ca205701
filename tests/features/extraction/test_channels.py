from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crossspace.errors import DataError, UsageError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.channels import by_channel, channel_speakers
from crossspace.features.extraction.conversation import Extracted, Extraction
from crossspace.features.extraction.corpus import extract
from crossspace.features.extractors import build
from crossspace.features.sources import Recording, channels_of, track_of
from crossspace.transcripts import Cue, Transcript

pytest.importorskip("av")


@pytest.fixture
def talk(recording_of, syllables) -> Path:
    """Seven seconds: one speaker in the first channel, the other in the second, which leaks into the first."""
    first, second = np.zeros(7 * 16000), np.zeros(7 * 16000)
    first[16000:48000] = syllables(2)
    second[64000:96000] = syllables(2, 190)
    leaking = 0.1 * np.random.default_rng(0).normal(0, 0.01, first.shape)
    return recording_of(first + 0.1 * second + leaking, second + 0.1 * first + leaking).path


@pytest.fixture
def run(tmp_path: Path):
    extraction = Extraction({"audio": build("audio", "prosody")}, FeatureCache(tmp_path))

    def one(media: Path, channels, *cues: Cue, found: bool = False) -> Extracted:
        transcript = None if found else Transcript(cues)
        return extraction.run(Recording("talk", transcript, media, channels=channels))

    return one


def loudness(result: Extracted) -> list[float]:
    return [u.features["audio"][0] for u in result.conversation.utterances]


def test_an_utterance_is_heard_in_the_channel_of_its_speaker_alone(talk, run):
    times = {"start": 1.2, "end": 2.8}
    own, other = (
        run(talk, ("Ann", "Ben"), Cue("x", "ANN", **times)),
        run(talk, ("Ben", "Ann"), Cue("x", "Ann", **times)),
    )
    assert loudness(own)[0] - loudness(other)[0] == pytest.approx(20, abs=1.5)
    assert own.notes == () and own.heard == "channels Ann, Ben"
    mixed = run(talk, None, Cue("x", "Ann", **times))
    assert loudness(own)[0] > loudness(mixed)[0] + 3 and mixed.heard == ""


def test_who_is_not_named_is_heard_where_it_is_louder_and_called_after_that_channel(talk, run):
    cues = Cue("a", start=1.0, end=3.0), Cue("b", "Zoe", 4.0, 6.0), Cue("c", "Zoe"), Cue("d", start=6.5, end=6.9)
    result = run(talk, "speakers", *cues)
    assert [u.speaker for u in result.conversation.utterances][:3] == ["channel 1", "Zoe", "Zoe"]
    assert result.conversation.utterances[2].missing == {"audio": "no times"}
    named = run(talk, ("Ann", "Ben"), *cues[:2])
    assert [u.speaker for u in named.conversation.utterances] == ["Ann", "Zoe"]
    assert loudness(named) == loudness(run(talk, ("Ann", "Zoe"), Cue("a", "Ann", 1.0, 3.0), cues[1]))
    assert named.notes == (
        "2 utterances are heard in the channel that is louder meanwhile: 1 of Ann, 1 of Ben. Speakers without a "
        "channel of their name: Zoe.",
    )


def test_without_a_transcript_each_channel_has_its_speaker_and_the_cache_keeps_it(talk, run):
    pytest.importorskip("silero_vad")
    first, second = run(talk, ("Ann", "Ben"), found=True), run(talk, ("Cy", "Dee"), found=True)
    assert [u.speaker for u in first.conversation.utterances] == ["Ann", "Ben"]
    assert [u.speaker for u in second.conversation.utterances] == ["Cy", "Dee"]
    assert loudness(first) == loudness(second)
    times = [time for u in first.conversation.utterances for time in (u.start, u.end)]
    assert times == pytest.approx([1, 3, 4, 6], abs=0.2)
    assert times == [time for u in second.conversation.utterances for time in (u.start, u.end)]
    assert "each in its channel: 1 of Ann, 1 of Ben" in first.notes[0]


def test_an_utterance_in_which_no_channel_sounds_is_missing(recording_of, run, syllables):
    path = recording_of(*np.pad(syllables(1), (0, 32000))[None].repeat(2, axis=0)).path
    result = run(path, "speakers", Cue("a", start=0.0, end=1.0), Cue("b", start=2.0, end=2.9))
    assert [u.missing for u in result.conversation.utterances] == [{}, {"audio": "silence"}]
    assert result.conversation.utterances[1].speaker == "speaker"


@pytest.mark.parametrize(
    ("count", "channels", "words"),
    [
        (1, "speakers", "Found one channel"),
        (2, ("A", "B", "C"), "3 .A, B, C.. Found 2 channels"),
        (40, "speakers", "40"),
    ],
)
def test_channels_that_do_not_fit_the_recording_are_refused(recording_of, run, count, channels, words):
    path = recording_of(*np.full((count, 16000), 0.1)).path
    with pytest.raises(DataError, match=words):
        run(path, channels, Cue("x", "A", 0.0, 1.0))


def test_a_choice_of_sound_where_there_is_none_is_refused(tmp_path):
    said = Transcript((Cue("x"),))
    for recording, words in (
        (Recording("a", said, channels="speakers"), "has none"),
        (Recording("a", said, clips=(None,), channels="speakers"), "has clips"),
        (Recording("a", said, track=2), "has no recording"),
    ):
        with pytest.raises(DataError, match=words):
            Extraction({}).run(recording)


def test_eight_channels_are_named_one_by_one(recording_of):
    tone = np.sin(np.arange(8 * 8000) / 3)
    sound = np.stack([0.01 * tone + 0.5 * tone * (np.arange(len(tone)) // 8000 == c) for c in range(8)])
    media = recording_of(*sound)
    names = channel_speakers(media, "speakers")
    cues = tuple(Cue("x", start=c / 2, end=c / 2 + 0.5) for c in range(8))
    transcript, channels = by_channel(Transcript(cues), media, names)
    assert channels == {c: c for c in range(8)}
    assert [cue.speaker for cue in transcript.cues] == [f"channel {c}" for c in range(1, 9)]


def test_channels_reach_processes_and_stand_in_the_corpus(talk, tmp_path):
    said = Transcript((Cue("x", "Ann", 1.0, 3.0, label="joy"),))
    recordings = [Recording(name, said, talk, channels=("Ann", "Ben")) for name in ("one", "two")]
    recordings.append(Recording("three", said, talk))
    corpora = []
    for jobs in (1, 2):
        target, cache = tmp_path / f"{jobs}.parquet", tmp_path / str(jobs)
        corpora.append(extract(recordings, {"audio": "prosody"}, target, cache=cache, jobs=jobs).corpus)
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()
    assert corpora[0].fingerprint == corpora[1].fingerprint
    assert corpora[1].heard == {"one": "channels Ann, Ben", "two": "channels Ann, Ben"}
    one, three, two = (c.utterances[0].features["audio"] for c in corpora[1].split(None))
    assert np.array_equal(one, two) and not np.array_equal(one, three)


@pytest.mark.parametrize(
    ("text", "channels"), [("speakers", "speakers"), ("Ann,Ben", ("Ann", "Ben")), (" Ann , B C,D", ("Ann", "B C", "D"))]
)
def test_channels_are_written_as_names(text, channels):
    assert channels_of(text) == channels


def test_names_may_be_given_one_by_one_or_as_one_text(talk, run):
    cue = Cue("x", "Ben", 4.0, 6.0)
    results = [run(talk, names, cue) for names in ("Ann,Ben", ["Ann", "Ben"], ("Ann", "Ben"))]
    assert len({result.heard for result in results}) == len({loudness(result)[0] for result in results}) == 1
    with pytest.raises(UsageError, match="all different"):
        run(talk, ("Ann", "ann"), cue)


def test_what_was_decided_is_told_where_nobody_speaks(recording_of, run):
    pytest.importorskip("silero_vad")
    tone = 0.3 * np.sin(np.arange(32000) / 9)
    with pytest.raises(DataError, match=r"Nobody was heard to speak.*cancel each other"):
        run(recording_of(tone, -tone).path, None, found=True)


@pytest.mark.parametrize("text", ["", "Ann", "Ann,", "Ann,ann", ",", "speaker"])
def test_channels_that_name_nobody_or_one_twice_are_refused(text):
    with pytest.raises(UsageError, match="all different"):
        channels_of(text)


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "1.5", "\u0661", "9" * 5000])
def test_a_track_is_a_number_from_one(text):
    assert track_of(" 12 ") == 12
    with pytest.raises(UsageError, match="number of an audio track"):
        track_of(text)
