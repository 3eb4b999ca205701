import numpy as np
import pytest
import torch

from crossspace.errors import DataError
from crossspace.features.media import AudioTrack, Media, VideoTrack
from crossspace.features.voice import speech

pytest.importorskip("silero_vad")


@pytest.fixture
def media(tmp_path):
    return Media(tmp_path / "talk.wav", 10.0, AudioTrack(0, 16000, 1), None)


def heard(monkeypatch, samples, size=48000):
    blocks = [samples[at : at + size] for at in range(0, len(samples), size)]
    monkeypatch.setattr(speech, "audio_blocks", lambda media, notes: iter(blocks))


def test_speech_is_found_where_it_is(monkeypatch, media, syllables):
    silence = np.zeros(32000, dtype=np.float32)
    heard(monkeypatch, np.concatenate([silence, syllables(3), silence, syllables(2), silence]))
    found = speech.speech_transcript(media)
    assert all(cue.text is None and cue.speaker == "speaker" for cue in found.cues)
    spoken = np.zeros(1100, dtype=bool)
    for cue in found.cues:
        spoken[int(cue.start * 100) : int(cue.end * 100)] = True
    assert spoken[250:450].mean() > 0.5 and spoken[750:850].mean() > 0.5
    assert not spoken[:180].any() and not spoken[560:680].any() and not spoken[960:].any()
    assert found.notes == ()


def test_the_size_of_blocks_changes_nothing(monkeypatch, media, syllables):
    samples = np.concatenate([np.zeros(8000, dtype=np.float32), syllables(2), np.zeros(10000, dtype=np.float32)])
    found = []
    for size in (777, 48000):
        heard(monkeypatch, samples, size)
        found.append(speech.speech_transcript(media).cues)
    assert found[0] == found[1]


def test_silence_and_missing_sound_are_refused_with_what_to_do(monkeypatch, media):
    heard(monkeypatch, np.zeros(64000, dtype=np.float32))
    with pytest.raises(DataError, match=r"Nobody was heard to speak\. Give a transcript"):
        speech.speech_transcript(media)
    pictures = Media(media.path, 10.0, None, VideoTrack(0, 64, 48, 0, 25.0))
    with pytest.raises(DataError, match="has no sound"):
        speech.speech_transcript(pictures)


def test_long_speech_is_cut_into_equal_parts_and_short_noise_dropped():
    assert speech.parts_of(1.0, 1.2, 0.25, 30.0) == []
    assert speech.parts_of(1.0, 71.0, 0.25, 30.0) == [(1.0, 24.333), (24.333, 47.667), (47.667, 71.0)]


def test_listening_leaves_the_threads_of_pytorch_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        speech.silero()
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
