from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from crossspace.transcripts import Transcript, read_transcript


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Transcript]:
    """Reads what stands in a plain text file."""

    def read(text: str) -> Transcript:
        (tmp_path / "talk.txt").write_text(text, encoding="utf-8")
        return read_transcript(tmp_path / "talk.txt")

    return read
