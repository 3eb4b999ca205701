from __future__ import annotations

import pytest

from crossspace.serve.recording import check_recording
from crossspace.serve.refusal import Refusal

av = pytest.importorskip("av")


def encode(path, seconds: int, codec: str, rate: int = 8000, **options: str):
    """Silence in a container, one packet after the other."""
    import numpy as np

    with av.open(str(path), "w", **options) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        for at in range(0, seconds * rate, 4000):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = rate, at
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("name", "codec"), [("a.flac", "flac"), ("a.wav", "pcm_s16le"), ("a.mka", "flac")])
def test_length_decides_and_not_size(tmp_path, name, codec):
    path = encode(tmp_path / name, 60, codec)
    check_recording(path, 61)
    with pytest.raises(Refusal, match="minutes") as refused:
        check_recording(path, 50)
    assert refused.value.status == 413


def test_a_file_that_does_not_say_how_long_it_is_is_measured(tmp_path):
    path = encode(tmp_path / "a.mka", 60, "flac", options={"live": "1"}, format="matroska")
    with pytest.raises(Refusal) as refused:
        check_recording(path, 50)
    assert refused.value.status == 413


def test_a_long_recording_cut_short_is_judged_by_what_it_says(tmp_path):
    whole = encode(tmp_path / "a.wav", 60, "pcm_s16le").read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(whole[: len(whole) // 4])
    check_recording(cut, 61)


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 5000, b"RIFF", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", b"ffconcat version 1.0\nfile a.wav\n",
     b"WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n", b"%PDF-1.7", b"PK\3\4", b"<svg xmlns='http://www.w3.org/2000/svg'/>"],
)  # fmt: skip
def test_what_is_no_recording_is_refused(tmp_path, content):
    encode(tmp_path / "a.wav", 1, "pcm_s16le")
    path = tmp_path / "media"
    path.write_bytes(content)
    with pytest.raises(Refusal) as refused:
        check_recording(path, 60)
    assert refused.value.status == 415
