from __future__ import annotations

import os
import struct
from pathlib import Path

import numpy as np
import pytest

from crossspace.features.media import audio_blocks, open_media, sample_end
from crossspace.features.media.mended import MendedFile
from crossspace.features.media.sample_range import samples_in

pytest.importorskip("av")

RATE = 8000
SOUND = np.round(12000 * np.sin(2 * np.pi * 220 * np.arange(3 * RATE) / RATE)).astype("<i2")
BYTES = SOUND.tobytes()
SHORT = len(BYTES) // 3
FMT = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16)
TAG = b"LIST" + struct.pack("<I", 2026) + b"INFOISFT" + struct.pack("<I", 2014) + b"x" * 2014
LONG = 0xFFFFFFFF


def chunk(name: bytes, content: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(content) if size is None else size) + content


def riff(*parts: bytes, form: bytes = b"RIFF", size: int | None = None) -> bytes:
    return chunk(form, b"WAVE" + b"".join(parts), size)


def long_form(count: int) -> bytes:
    sizes = chunk(b"ds64", struct.pack("<QQQI", len(BYTES) + 100, count, count // 2, 0))
    return riff(sizes, FMT, chunk(b"data", BYTES, LONG), form=b"RF64", size=LONG)


def w64(count: int) -> bytes:
    guid = bytes.fromhex("f3acd3118cd100c04f8edb8a")
    top = b"riff" + bytes.fromhex("2e91cf11a5d628db04c10000") + struct.pack("<Q", len(BYTES) + 104) + b"wave" + guid
    described = b"fmt " + guid + struct.pack("<Q", 40) + FMT[8:]
    return top + described + b"data" + guid + struct.pack("<Q", count + 24) + BYTES


def aiff(count: int) -> bytes:
    described = struct.pack(">hIh", 1, len(SOUND), 16) + bytes.fromhex("400bfa00000000000000")
    sound = struct.pack(">II", 0, 0) + SOUND.astype(">i2").tobytes()
    parts = b"COMM" + struct.pack(">I", 18) + described + b"SSND" + struct.pack(">I", count) + sound
    return b"FORM" + struct.pack(">I", len(parts) + 4) + b"AIFF" + parts


WHOLE = {
    "right.wav": riff(FMT, chunk(b"data", BYTES)),
    "tag behind.wav": riff(FMT, chunk(b"data", BYTES), TAG),
    "unknown chunk behind.wav": riff(FMT, chunk(b"data", BYTES), chunk(b"own ", bytes(3000))),
    "zeros behind.wav": riff(FMT, chunk(b"data", BYTES)) + bytes(5000),
    "scrap behind.wav": riff(FMT, chunk(b"data", BYTES)) + b"TAG" + b"x" * 125,
    "no size.wav": riff(FMT, chunk(b"data", BYTES, 0), size=0),
    "no size, tag behind.wav": riff(FMT, chunk(b"data", BYTES, 0), TAG, size=0),
    "streamed.wav": riff(FMT, chunk(b"data", BYTES, LONG), size=LONG),
    "streamed, tag behind.wav": riff(FMT, chunk(b"data", BYTES, LONG), TAG, size=LONG),
    "streamed otherwise.wav": riff(FMT, chunk(b"data", BYTES, 0x7FFFF000), size=0x7FFFF024),
    "wrong size of all.wav": riff(FMT, chunk(b"data", BYTES), size=99),
    "odd chunk in front.wav": riff(chunk(b"junk", b"abc\0", 3), FMT, chunk(b"data", BYTES)),
    "odd chunk in front, not filled up.wav": riff(chunk(b"junk", b"abc"), FMT, chunk(b"data", BYTES)),
    "wrong size in front.wav": riff(FMT, chunk(b"LIST", b"INFO", 5000), chunk(b"data", BYTES)),
    "right.rf64": long_form(len(BYTES)),
    "no size.rf64": long_form(2**64 - 1),
    "right.w64": w64(len(BYTES)),
    "right.aiff": aiff(len(BYTES) + 8),
    "no size.aiff": aiff(0),
}
MISCOUNTED = {
    "short.wav": riff(FMT, chunk(b"data", BYTES, SHORT)),
    "short, tag behind.wav": riff(FMT, chunk(b"data", BYTES, SHORT), TAG),
    "short.rf64": long_form(SHORT),
    "short.w64": w64(SHORT),
    "short.aiff": aiff(SHORT + 8),
}


def heard(path: Path) -> np.ndarray:
    return np.concatenate(list(audio_blocks(open_media(path), rate=RATE)))


@pytest.mark.parametrize("name", [*WHOLE, *MISCOUNTED])
def test_all_samples_are_heard_and_nothing_else_whatever_the_header_counts(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes((WHOLE | MISCOUNTED)[name])
    np.testing.assert_array_equal(heard(path), SOUND.astype(np.float32) / 32768)
    notes = open_media(path).notes
    told = [f"{name}: its header counts 1.0 seconds of sound, the file holds 3.0; all of it is read."]
    assert list(notes) == (told if name in MISCOUNTED else [])


@pytest.mark.parametrize("make", [lambda: WHOLE["right.wav"], lambda: w64(len(BYTES)), lambda: aiff(len(BYTES) + 8)])
def test_a_recording_that_was_cut_short_is_heard_as_far_as_it_goes_and_told(tmp_path: Path, make) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(make()[: -2 * len(BYTES) // 3])
    assert len(heard(path)) == RATE
    assert open_media(path).notes == (
        "a.wav says that it lasts 3.0 seconds, but ends after 1.0: it was probably cut short.",
    )


def test_a_second_recording_in_the_same_file_is_no_noise_and_told(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(WHOLE["right.wav"] * 2)
    assert len(heard(path)) == len(SOUND)
    (note,) = open_media(path).notes
    assert note.startswith("a.wav: another recording follows after 3.0 seconds")


def test_zeros_within_sound_that_is_not_counted_are_sound(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(FMT, chunk(b"data", BYTES + bytes(4 * RATE) + BYTES, len(BYTES))))
    assert len(heard(path)) == 8 * RATE


@pytest.mark.parametrize("count", [20_000, 40_000])
@pytest.mark.parametrize("tail", [b"LIST\0\0\0\0", b"LIST\xff\xff\xff\x7f", b"LIST\x08\0\0\0"])
def test_looking_for_chunks_behind_the_samples_is_work_in_proportion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, tail: bytes
) -> None:
    path, looks = tmp_path / "a.wav", []
    honest = sample_end.chunk_at

    def counted(*one):
        looks.append(one)
        return honest(*one)

    monkeypatch.setattr(sample_end, "chunk_at", counted)
    path.write_bytes(riff(FMT, chunk(b"data", tail * count, 0)))
    assert samples_in(path) is not None
    assert len(looks) < 2 * count + 10


@pytest.mark.parametrize(
    "content", [b"", b"RIFF", b"RIFF\0\0\0\0WAVE", riff(FMT), riff(chunk(b"data", BYTES)), b"x" * 99]
)
def test_where_no_samples_are_there_are_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    assert samples_in(path) is None


def test_a_mended_file_reads_as_its_bytes_from_any_place(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(MISCOUNTED["short, tag behind.wav"])
    samples = samples_in(path)
    assert samples is not None and not samples.as_stated
    whole = samples.head + BYTES
    with MendedFile(path, samples) as file:
        assert file.read() == whole and file.read(5) == b""
        assert file.seek(-10, os.SEEK_END) == len(whole) - 10 and file.read(99) == whole[-10:]
        for place in (0, len(samples.head) - 3, len(samples.head), 1000):
            file.seek(place)
            assert file.read(7) == whole[place : place + 7] and file.tell() == place + 7
        assert file.seek(5, os.SEEK_CUR) == 1012
