"""Whether a file is a transcript or a recording is told by what stands in it where its name does not say."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from crossspace.features.sources import is_transcript


@pytest.mark.parametrize("content", [b"Ann: hi\n", "Ann: héllo\n".encode("utf-16"), b"\xff\xfeA\0:\0", b"caf\xe9: hi"])
@pytest.mark.parametrize("name", ["talk.eaf", "talk.wav", "talk"])
def test_text_is_a_transcript_whatever_its_name(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert is_transcript(tmp_path / name)


def test_a_recording_is_none_and_neither_is_nothing(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "talk"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\1\1" * 80)
    (tmp_path / "empty").touch()
    assert not any(is_transcript(tmp_path / name) for name in ("talk", "empty", "none.wav", "."))
