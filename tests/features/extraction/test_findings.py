from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.findings import cached_speech, damage
from crossspace.features.media.tracks import AudioTrack, Media
from crossspace.features.voice import speech
from crossspace.transcripts import Cue, Transcript

MEDIA = Media(Path("talk.wav"), 90_000.0, AudioTrack(0, 16000, 1), None)
CUES = (Cue(None, start=0.5, end=2.047), Cue(None, start=86_399.123, end=86_399.999))


class Listener:
    """Hears the same every time, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked, self.notes = 0, ()

    def __call__(self, media: Media) -> Transcript:
        self.asked += 1
        return Transcript(CUES, self.notes)


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    made = Listener()
    monkeypatch.setattr(speech, "speech_transcript", made)
    monkeypatch.setattr(speech, "silero_version", lambda: "6")
    return made


def test_speech_is_found_once_and_told_every_time_that_it_was_found(listener: Listener, tmp_path: Path) -> None:
    first, again = (cached_speech(MEDIA, "digest", FeatureCache(tmp_path)) for _ in range(2))
    assert listener.asked == 1
    assert first == again == Transcript(CUES, first.notes)
    assert "2 utterances were found by their sound (silero-vad 6)" in first.notes[0]
    assert cached_speech(MEDIA, "another", FeatureCache(tmp_path)) == first and listener.asked == 2


def test_speech_in_damaged_sound_is_looked_for_again(listener: Listener, tmp_path: Path) -> None:
    listener.notes = ("talk.wav: 3 damaged packets of the audio track were left out.",)
    for asked in (1, 2):
        found = cached_speech(MEDIA, "digest", FeatureCache(tmp_path))
        assert listener.asked == asked
        assert found.notes[0] == listener.notes[0] and "found by their sound" in found.notes[1]


def test_another_release_of_the_listener_is_asked_anew(
    listener: Listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached_speech(MEDIA, "digest", FeatureCache(tmp_path))
    monkeypatch.setattr(speech, "silero_version", lambda: "7")
    assert "silero-vad 7" in cached_speech(MEDIA, "digest", FeatureCache(tmp_path)).notes[0]
    assert listener.asked == 2


def test_damage_is_told_again_where_nothing_had_to_be_read(tmp_path: Path) -> None:
    cache, notes = FeatureCache(tmp_path), ("talk.wav: 3 damaged packets of the audio track were left out.",)
    assert damage((), "audio", MEDIA, "digest", cache) == ()
    assert damage(notes, "audio", MEDIA, "digest", cache) == notes
    assert damage((), "audio", MEDIA, "digest", cache) == notes
    assert damage((), "visual", MEDIA, "digest", cache) == damage((), "audio", MEDIA, "another", cache) == ()
    renamed = replace(MEDIA, path=Path("copy.wav"))
    assert damage((), "audio", renamed, "digest", cache)[0].startswith("copy.wav: 3 damaged")


def test_without_a_cache_damage_is_told_as_it_is_found() -> None:
    assert damage(("a",), "audio", MEDIA, "digest", None) == ("a",)
    assert damage((), "audio", MEDIA, "digest", None) == ()
