"""A transcript is known by what stands in it; what no format recognises is refused, and never taken for speech."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.transcripts import read_transcript

OTHERS = {
    "a web page": "<!DOCTYPE html>\n<html><body><p>Ann: Hello.</p></body></html>",
    "an RTF document": r"{\rtf1\ansi Ann: Hello.\par Ben: Thanks.}",
    "XML that begins with <score-partwise>": '<?xml version="1.0"?>\n<score-partwise>Ann: Hello.</score-partwise>',
    "text that begins with '[section]'": "[section]\nname = Ann\nsaid = Hello.\n[other]\nname = Ben\n",
}


@pytest.mark.parametrize("seems", OTHERS)
@pytest.mark.parametrize("name", ["talk.txt", "talk", "talk.xyz"])
def test_what_no_format_recognises_is_refused_as_what_it_seems_to_be(tmp_path: Path, seems: str, name: str) -> None:
    (tmp_path / name).write_text(OTHERS[seems])
    with pytest.raises(DataError, match=rf"^{name} should be a transcript \(WebVTT, .*Found .*{re.escape(seems)}"):
        read_transcript(tmp_path / name)


@pytest.mark.parametrize(
    "text", ["class is over now", "from here on, import taxes fall", "I said < 3 words > yours", "ok <br> so"]
)
def test_a_few_plain_words_are_speech(tmp_path: Path, text: str) -> None:
    (tmp_path / "talk.txt").write_text(text)
    assert [cue.text for cue in read_transcript(tmp_path / "talk.txt").cues] == [text]


def test_a_tag_that_somebody_says_is_speech(tmp_path: Path) -> None:
    (tmp_path / "talk.txt").write_text("ANN: I like <b>bold</b> words")
    assert [(cue.speaker, cue.text) for cue in read_transcript(tmp_path / "talk.txt").cues] == [
        ("ANN", "I like <b>bold</b> words")
    ]
