from __future__ import annotations

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from crossspace.errors import DataError
from crossspace.features.extraction import listening
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.conversation import Extraction
from crossspace.features.extraction.listening import opened_to_hear
from crossspace.features.extractors import build
from crossspace.features.media import audio_blocks
from crossspace.features.sources import Recording
from crossspace.transcripts import Cue, Transcript

av = pytest.importorskip("av")
pytest.importorskip("silero_vad")

TONE = (0.3 * np.sin(2 * np.pi * 330 * np.arange(3 * 16000) / 16000)).astype(np.float32)


@pytest.fixture
def tracks(tmp_path: Path) -> Callable[..., Path]:
    """Writes a file with an audio track for each of ``sounds``, with a title or a disposition where there is one."""

    def write(name: str, *sounds: np.ndarray, titles: dict[int, str] | None = None, **dispositions: int) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            streams = [container.add_stream("pcm_s16le", rate=16000, layout="mono") for _ in sounds]
            for number, stream in enumerate(streams):
                stream.disposition = 0
                stream.metadata.update({"language": "eng", "title": (titles or {}).get(number, "")})
            for kind, number in dispositions.items():
                streams[number].disposition = av.stream.Disposition[kind].value
            packets = []
            for stream, sound in zip(streams, sounds, strict=True):
                for begin in range(0, len(sound), 1600):
                    block = (sound[begin : begin + 1600] * 32767).astype(np.int16)
                    frame = av.AudioFrame.from_ndarray(block[None], format="s16", layout="mono")
                    frame.sample_rate, frame.pts, frame.time_base = 16000, begin, Fraction(1, 16000)
                    packets += stream.encode(frame)
            for packet in sorted(packets, key=lambda p: p.pts * p.time_base):
                container.mux(packet)
        return path

    return write


def stereo(path: Path, *channels: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((len(channels), 2, 16000, 0, "NONE", ""))
        file.writeframes((np.stack(channels, axis=1) * 32767).astype("<i2").tobytes())
    return path


def sound_of(media) -> np.ndarray:
    return np.concatenate(list(audio_blocks(media)))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_the_track_with_speech_is_heard_and_told(tracks, syllables, order):
    sounds = [TONE, 0 * TONE, syllables(3)]
    media, _ = opened_to_hear(tracks("a.mkv", *(sounds[i] for i in order), titles={0: "One", 2: "Three"}), None, None)
    number = 1 + order.index(2)
    assert media.audio.number == number
    assert np.abs(sound_of(media) - syllables(3)).max() < 0.001
    others = "1 (eng, 'One'); 2 (eng)" if number == 3 else "2 (eng); 3 (eng, 'Three')"
    said = {1: "1 (eng, 'One')", 3: "3 (eng, 'Three')"}[number]
    assert media.notes == (
        f"a.mkv has 3 audio tracks. Track {said} is heard, in which most is said; --track N takes another: {others}.",
    )


@pytest.mark.parametrize(("marks", "number"), [({}, 1), ({"default": 1}, 2), ({"comment": 0}, 2)])
def test_of_tracks_with_as_much_speech_it_is_the_one_meant_for_all(tracks, syllables, marks, number):
    media, _ = opened_to_hear(tracks("a.mkv", syllables(3), syllables(3, 180), **marks), None, None)
    assert media.audio.number == number


def test_where_nobody_speaks_it_is_the_track_that_players_take_and_told(tracks):
    media, _ = opened_to_hear(tracks("a.mkv", TONE, TONE, default=1), None, None)
    assert media.audio.number == 2 and "since nobody speaks in any" in media.notes[0]


def test_another_track_is_heard_where_it_is_asked_for_without_a_word(tracks, syllables):
    media, _ = opened_to_hear(tracks("a.mkv", TONE, syllables(3)), 1, None)
    assert media.audio.number == 1 and media.notes == ()
    assert np.abs(sound_of(media) - TONE).max() < 0.001


@pytest.mark.parametrize("number", [0, 3, 10**9])
def test_a_track_that_is_not_there_is_refused_with_those_that_are(tracks, syllables, number):
    path = tracks("a.mkv", TONE, syllables(3), titles={1: "Talk"})
    with pytest.raises(
        DataError, match=rf"audio track {number}\. Found 2 audio tracks\..*: 1 \(eng\); 2 \(eng, 'Talk'\)"
    ):
        opened_to_hear(path, number, None)


def test_a_title_that_is_not_utf8_is_read_as_far_as_it_goes(tracks):
    path = tracks("a.mkv", TONE, titles={0: "Kitchen"})
    path.write_bytes(path.read_bytes().replace(b"Kitchen", b"K\xfcche 2"))
    media, _ = opened_to_hear(path, None, None)
    assert media.audio.title == "K\ufffdche 2"


def test_tracks_are_told_apart_by_the_cache_and_decided_once(tracks, syllables, tmp_path, monkeypatch):
    path = tracks("a.mkv", syllables(3), TONE)
    judged, honest = [], listening._judged
    monkeypatch.setattr(listening, "_judged", lambda *given: judged.append(given) or honest(*given))
    extraction = Extraction({"audio": build("audio", "prosody")}, FeatureCache(tmp_path))

    def vector(track: int | None) -> tuple:
        result = extraction.run(Recording("a", Transcript((Cue("x", start=0.5, end=2.5),)), path, track=track))
        return result.conversation.utterances[0].features["audio"].tolist(), result.notes, result.heard

    first, again, one, two = vector(None), vector(None), vector(1), vector(2)
    assert first == again and first[0] == one[0] != two[0]
    assert (one[2], two[2]) == ("track 1 of 2", "track 2 of 2")
    assert len(judged) == 1


def test_channels_that_cancel_are_heard_by_one_of_them(tmp_path, syllables):
    voice = syllables(3)
    media, _ = opened_to_hear(stereo(tmp_path / "a.wav", 0.6 * voice, -0.8 * voice), None, None)
    assert media.audio.channel == 1
    np.testing.assert_allclose(sound_of(media), -0.8 * voice, atol=1e-4)
    (note,) = media.notes
    assert "channel 2 alone is heard" in note and "18 dB quieter" in note


def test_channels_that_do_not_cancel_are_mixed_without_a_word(tmp_path, syllables):
    voice = syllables(2)
    media, digest = opened_to_hear(stereo(tmp_path / "a.wav", voice, 0 * voice), None, None)
    assert media.audio.channel is None and media.notes == ()
    np.testing.assert_allclose(sound_of(media), voice / 2, atol=1e-4)
    assert listening.media_digest(media.path) == digest


def test_a_file_whose_header_was_mended_has_vectors_and_speech_of_its_own():
    from crossspace.features.extraction.sound_digest import sound_digest
    from crossspace.features.media.tracks import AudioTrack, Media

    track = AudioTrack(0, 16000, 2)
    plain = Media(Path("a.wav"), 1.0, track, None, sounds=(track,))
    others = [
        Media(Path("a.wav"), 1.0, track, None, sounds=(track,), mended=True),
        Media(Path("a.wav"), 1.0, track, None, sounds=(track, AudioTrack(1, 16000, 2))),
        Media(Path("a.wav"), 1.0, AudioTrack(1, 16000, 2), None, sounds=(track, AudioTrack(1, 16000, 2))),
        Media(Path("a.wav"), 1.0, AudioTrack(0, 16000, 2, channel=1), None, sounds=(track,)),
        Media(Path("a.wav"), 1.0, AudioTrack(0, 16000, 2, gain=0.5), None, sounds=(track,)),
    ]
    digests = [sound_digest(media, "d") for media in others] + [sound_digest(plain, "d", 0)]
    assert sound_digest(plain, "d") == "d" and len({*digests, "d"}) == 7


def test_floats_on_the_scale_of_integers_are_heard_and_told(tmp_path, syllables):
    import struct

    voice = syllables(2)
    content = (voice * 32768).astype("<f4").tobytes()
    head = b"fmt " + struct.pack("<IHHIIHH", 16, 3, 1, 16000, 64000, 4, 32) + b"data" + struct.pack("<I", len(content))
    (tmp_path / "a.wav").write_bytes(b"RIFF" + struct.pack("<I", 36 + len(content)) + b"WAVE" + head + content)
    media, _ = opened_to_hear(tmp_path / "a.wav", None, None)
    np.testing.assert_allclose(sound_of(media), voice, atol=1e-6)
    assert media.notes == ("a.wav: its samples are numbers up to 32768 instead of 1; they are heard on that scale.",)


def test_only_what_can_be_decided_is_looked_at(tmp_path, syllables, monkeypatch):
    monkeypatch.setattr(listening, "_judged", lambda *given: pytest.fail("there is nothing to decide"))
    mono = stereo(tmp_path / "mono.wav", syllables(1))
    two = stereo(tmp_path / "two.wav", syllables(1), syllables(1))
    assert opened_to_hear(mono, None, None)[0].audio == opened_to_hear(mono, 1, None)[0].audio
    assert opened_to_hear(two, None, None, apart=True)[0].audio.channel is None
