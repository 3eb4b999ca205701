from __future__ import annotations

import os
from pathlib import Path

import pytest

from crossspace.errors import DataError, UsageError
from crossspace.features.sources import find_recordings
from crossspace.features.sources.recording import Recording


@pytest.fixture
def folder(tmp_path: Path):
    """Makes a folder of files with these names."""

    def build(*names: str) -> Path:
        for name in names:
            path = tmp_path / "talks" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("x", encoding="utf-8")
        return tmp_path / "talks"

    return build


def found(folder: Path, notes: list[str] | None = None) -> dict[str, tuple[str, str | None]]:
    """``{id: (recording, transcript)}``, as they lie below the folder."""
    return {
        r.id: (
            r.media.relative_to(folder).as_posix(),
            r.transcript.relative_to(folder).as_posix() if isinstance(r.transcript, Path) else None,
        )
        for r in find_recordings(folder, notes=notes)
        if r.media is not None
    }


def test_recordings_are_found_at_any_depth_with_the_transcript_of_their_name(folder):
    notes: list[str] = []
    path = folder("b.mp4", "b.vtt", "a.WAV", "s1/a.mp3", "s1/a.TextGrid", "s1/t.1.mkv", "s1/t.1.eaf", "s2/a.flac")
    assert list(found(path, notes).items()) == [
        ("a", ("a.WAV", None)),
        ("b", ("b.mp4", "b.vtt")),
        ("s1/a", ("s1/a.mp3", "s1/a.TextGrid")),
        ("s1/t.1", ("s1/t.1.mkv", "s1/t.1.eaf")),
        ("s2/a", ("s2/a.flac", None)),
    ]
    assert notes == []


def test_a_transcript_with_more_behind_the_name_is_taken_where_there_is_no_other(folder):
    notes: list[str] = []
    path = folder(
        "a.mp4", "a.en.vtt", "b.mp4", "b.mp4.srt", "c.mp4", "c.vtt", "c.de.vtt", "d.e.mp4", "d.mp4", "d.e.vtt"
    )
    assert {name: said for name, (_, said) in found(path, notes).items()} == {
        "a": "a.en.vtt",
        "b": "b.mp4.srt",
        "c": "c.vtt",
        "d": None,
        "d.e": "d.e.vtt",
    }
    assert len(notes) == 1 and notes[0].endswith("are left out (1): c.de.vtt.")


def test_what_is_neither_is_counted_and_named_and_what_is_hidden_is_not(folder):
    notes: list[str] = []
    others = [f"{number}.jpg" for number in range(7)]
    path = folder("a.mp4", "README", "readme.txt", *others, ".DS_Store", "._a.mp4", ".git/b.mp4")
    assert list(found(path, notes)) == ["a"]
    (note,) = notes
    assert "left out (9): 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 4 more" in note


def test_two_of_one_name_are_refused_all_at_once(folder):
    path = folder("a.mp4", "a.wav", "b.mp4", "b.srt", "b.vtt", "c.mp4", "c.de.vtt", "c.en.vtt", "d.mp4", "d.srt")
    with pytest.raises(DataError) as error:
        find_recordings(path)
    for fault in ("a: a.mp4, a.wav", "b: b.srt, b.vtt", "c: c.de.vtt, c.en.vtt"):
        assert fault in str(error.value)
    assert "d.srt" not in str(error.value)


def test_links_are_followed_once_and_lead_nowhere_twice(folder, tmp_path):
    path = folder("a.mp4", "deep/b.mp4")
    other = tmp_path / "other"
    other.mkdir()
    (other / "c.mp4").write_text("x", encoding="utf-8")
    try:
        os.symlink(path, path / "deep" / "loop")
        os.symlink(other, path / "0 link")
        os.symlink(other, path / "second link")
        os.symlink(path / "a.mp4", path / "0.mp4")
        os.symlink(tmp_path / "gone.mp4", path / "gone.mp4")
        os.symlink(path, other / "back")
    except OSError:
        pytest.skip("links cannot be made here")
    assert list(found(path)) == ["0 link/c", "a", "deep/b"]


def test_tables_of_dialogues_are_read_as_before_though_recordings_lie_below(folder):
    path = folder("clips/dia0_utt0.mp4")
    (path / "train.csv").write_text(
        "Utterance,Speaker,Emotion,Dialogue_ID,Utterance_ID\nHi,A,joy,0,0\n", encoding="utf-8"
    )
    (recording,) = find_recordings(path)
    assert recording.id == "0" and recording.media is None


def test_a_table_beside_a_recording_of_its_name_is_its_transcript(folder):
    path = folder("talk.mp4")
    (path / "talk.csv").write_text("text,speaker,conversation\nHi,A,1\n", encoding="utf-8")
    assert found(path) == {"talk": ("talk.mp4", "talk.csv")}


def test_a_folder_with_a_manifest_or_without_recordings_is_refused(folder):
    path = folder("a.txt")
    with pytest.raises(DataError, match="Found neither"):
        find_recordings(path)
    folder("a.mp4")
    with pytest.raises(UsageError, match="lie beside theirs"):
        find_recordings(path, path / "a.txt")
    (path / "all.csv").write_text("media,transcript\na.mp4,\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"holds a manifest, all\.csv"):
        find_recordings(path)


def test_a_manifest_says_track_and_channels_and_every_fault_of_them(tmp_path):
    path = tmp_path / "all.csv"
    path.write_text(
        'media,transcript,track,channels\na.mkv,,2,\nb.wav,b.vtt,,"Ann, Ben"\nc.wav,,,speakers\n', encoding="utf-8"
    )
    assert find_recordings(path) == [
        Recording("a", None, tmp_path / "a.mkv", track=2),
        Recording("b", tmp_path / "b.vtt", tmp_path / "b.wav", channels=("Ann", "Ben")),
        Recording("c", None, tmp_path / "c.wav", channels="speakers"),
    ]
    path.write_text("media,transcript,track,channels\na.mkv,,0,\nb.wav,,,Ann\n,c.vtt,1,\n", encoding="utf-8")
    with pytest.raises(DataError) as error:
        find_recordings(path)
    for fault in ("row 2: The track should be", "row 3: Channels should be", "row 4: track and channels are those"):
        assert fault in str(error.value)
