import wave
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from crossspace.errors import DataError
from crossspace.features.media import AudioTrack, container, open_media

av = pytest.importorskip("av")


def test_a_recording_says_what_it_holds(recording, signals):
    media = open_media(recording("both.mp4", signals.times, [(0, signals.clicks(4, 44100))]))
    assert media.audio is not None and (media.audio.rate, media.audio.channels) == (44100, 1)
    assert media.video is not None and (media.video.width, media.video.height, media.video.rotation) == (160, 96, 0)
    assert media.video.rate == pytest.approx(25, rel=0.02)
    assert media.duration == pytest.approx(4, abs=0.04)
    assert media.notes == ()


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.wav", "pcm_s16le", 22050),
        ("a.mp3", "libmp3lame", 44100),
        ("a.ogg", "libopus", 48000),
        ("a.webm", "libopus", 48000),
        ("a.flac", "flac", 44100),
        ("a.aac", "aac", 44100),
    ],
)
def test_sound_alone_has_no_video(recording, signals, name, codec, rate):
    media = open_media(recording(name, None, [(0, signals.clicks(3, rate))], rate=rate, codecs=("", codec)))
    assert media.video is None
    assert media.audio == AudioTrack(0, rate, 1)
    assert media.duration == pytest.approx(3, abs=0.06)


def test_pictures_alone_have_no_audio(recording, signals):
    media = open_media(recording("silent.mp4", signals.times))
    assert media.audio is None and media.video is not None


@pytest.mark.usefixtures("turning")
def test_a_rotated_video_is_measured_upright(recording, signals):
    media = open_media(
        recording("phone.mp4", signals.times[:5], prepare=lambda stream: stream.set_display_rotation(-90))
    )
    assert media.video is not None
    assert (media.video.width, media.video.height, media.video.rotation) == (96, 160, 270)


def test_the_mean_rate_of_a_variable_one_is_counted(recording):
    times = [0.0, 0.1, 0.2, 1.0, 2.0, 2.1, 2.2, 2.3, 2.4, 2.5]
    media = open_media(recording("variable.mkv", times))
    assert media.video is not None and media.video.rate == pytest.approx(10 / 2.5, rel=0.05)


def test_a_truncated_recording_is_measured_as_far_as_it_goes(recording, signals):
    whole = recording("whole.mkv", signals.times, [(0, signals.clicks(4, 44100))])
    cut = whole.with_name("cut.mkv")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    media = open_media(cut)
    assert 0.3 < media.duration < 3
    assert "cut short" in media.notes[0]


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
def test_a_recording_that_begins_late_is_not_taken_to_be_cut_short(recording, signals, name):
    whole = recording(name, [10 + time for time in signals.times], [(10, signals.clicks(4, 44100))])
    media = open_media(whole)
    assert media.duration == pytest.approx(4, abs=0.1) and media.notes == ()


def test_a_truncated_recording_that_begins_late_is_noticed(recording, signals):
    whole = recording("whole.mkv", [10 + time for time in signals.times], [(10, signals.clicks(4, 44100))])
    cut = whole.with_name("cut.mkv")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    assert "says that it lasts 4.0 seconds" in open_media(cut).notes[0]


def test_an_mp4_that_lost_its_table_is_refused_with_a_hint(recording, signals):
    whole = recording("whole.mp4", signals.times)
    cut = whole.with_name("cut.mp4")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(DataError, match=r"cut\.mp4 should be a recording.*cut short"):
        open_media(cut)


def test_a_cover_picture_is_no_video(tmp_path, signals):
    path = tmp_path / "song.mp3"
    with av.open(str(path), "w") as container:
        audio = container.add_stream("libmp3lame", rate=44100)
        audio.layout = "mono"
        picture = container.add_stream("png")
        picture.width, picture.height, picture.pix_fmt = 32, 32, "rgb24"
        image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        frame = av.AudioFrame.from_ndarray(signals.clicks(1, 44100)[None], format="fltp", layout="mono")
        frame.sample_rate = 44100
        container.mux([*picture.encode(image), *picture.encode()])
        container.mux([*audio.encode(frame), *audio.encode()])
    media = open_media(path)
    assert media.video is None and media.audio is not None


def test_of_two_videos_the_one_that_is_seen_is_told(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25) for _ in range(2)]
        for number, stream in enumerate(streams):
            stream.width, stream.height, stream.pix_fmt = 64 * (number + 1), 48, "yuv420p"
        for stream in streams:
            image = np.zeros((48, stream.width, 3), np.uint8)
            frames = [av.VideoFrame.from_ndarray(image, format="rgb24") for _ in range(5)]
            container.mux([p for frame in frames for p in stream.encode(frame)] + stream.encode())
    media = open_media(path)
    seen = 1 + (media.video.width == 128)
    assert media.notes == (f"two.mkv has 2 video tracks, of which number {seen} is seen, as players take it.",)


def test_a_file_of_data_alone_is_refused(tmp_path):
    path = tmp_path / "data.ts"
    with av.open(str(path), "w") as container:
        packet = av.Packet(bytes(1000))
        packet.stream = container.add_data_stream("bin_data")
        packet.pts = packet.dts = 0
        packet.time_base = Fraction(1, 90000)
        container.mux(packet)
    with pytest.raises(DataError, match="Found neither"):
        open_media(path)
    with pytest.raises(DataError, match=r"audio track 1. Found 0 audio tracks\..*: none"):
        open_media(path, 1)


def _text(path: Path) -> None:
    path.write_text("These are words, line after line.\n" * 200)


def _zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a" * 5000)


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(100_000))


def _picture(path: Path) -> None:
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream("png")
        stream.width, stream.height, stream.pix_fmt = 32, 32, "rgb24"
        image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        container.mux([*stream.encode(image), *stream.encode()])


def _playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nsecret.ts\n#EXT-X-ENDLIST\n")


@pytest.mark.parametrize("make", [_text, _zip, _noise, _picture, _playlist])
def test_what_is_no_recording_is_refused_by_name(tmp_path, make):
    path = tmp_path / ("strange.png" if make is _picture else "strange.mp4")
    make(path)
    with pytest.raises(DataError, match=r"strange\.(mp4|png) should be a recording"):
        open_media(path)


@pytest.mark.parametrize(
    ("name", "found"),
    [("none.mp4", "no such file"), ("empty.mp4", "empty"), ("", "a folder"), ("http:x.mp4", "no such")],
)
def test_what_is_no_file_is_refused_with_what_was_found(tmp_path, name, found):
    (tmp_path / "empty.mp4").touch()
    with pytest.raises(DataError, match=found):
        open_media(tmp_path / name)


def test_a_file_that_ends_after_its_header_is_refused(recording, signals):
    path = recording("a.wav", None, [(0, signals.clicks(1, 16000))], rate=16000, codecs=("", "pcm_s16le"))
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"data") + 8])
    with pytest.raises(DataError, match="Nothing of its audio could be decoded"):
        open_media(path)


def test_pictures_that_claim_to_be_huge_are_not_decoded(recording, signals, monkeypatch):
    path = recording("huge.mp4", signals.times[:3], [(0, signals.clicks(1, 44100))])
    monkeypatch.setattr(container, "_MOST_PIXELS", 159 * 96)
    media = open_media(path)
    assert media.video is None and media.audio is not None
    assert "nothing of the video track (h264) could be decoded" in media.notes[0]


@pytest.mark.parametrize("rate", [8, 1999, 4_000_000])
def test_sound_of_a_rate_at_which_nobody_can_be_understood_is_refused(tmp_path, rate):
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(bytes(2 * 4000))
    with pytest.raises(DataError, match=f"Found sound of {rate} samples per second"):
        open_media(tmp_path / "a.wav")
