from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.features.sources import find_recordings, is_transcript


@pytest.mark.parametrize(
    "name", ["a.vtt", "a.TSV", "a.eaf", "a.TextGrid", "a.cha", "a.ass", "a.ttml", "a.docx", "a.rttm"]
)
def test_a_file_that_a_format_names_is_a_transcript(tmp_path: Path, name: str) -> None:
    assert is_transcript(tmp_path / name)
    (tmp_path / name).write_text("")
    (recording,) = find_recordings(tmp_path / name)
    assert (recording.transcript, recording.media) == (tmp_path / name, None)


@pytest.mark.parametrize("name", ["a.wav", "a.mkv", "a", "a.parquet"])
def test_other_files_are_recordings(name: str) -> None:
    assert not is_transcript(Path(name))
