"""``crossspace transcript show`` says what was understood, and what was not."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.cli.main import main

CAPTIONS = """WEBVTT

00:01.000 --> 00:02.500
Ann [red]: I got the job!

00:03.000 --> 00:04.000
[Applause]

01:00:03.000 --> 01:00:04.000
Ben: [b]No[/b] way.
"""


def test_format_speakers_times_and_sounds_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "talk.vtt").write_text(CAPTIONS)
    assert main(["transcript", "show", str(tmp_path / "talk.vtt")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("talk.vtt: WebVTT, 2 utterances, from 0:00:01.000 to 1:00:04.000\n")
    assert "Ben (1)" in said and "I got the job!" in said and "1:00:03.000" in said
    assert "apart from speech: [Applause] at 0:00:03.000" in said and "Note: 1 of 3" in said


def test_what_is_no_transcript_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "talk.xml").write_text("<a><b>Ann: hi</b></a>")
    assert main(["transcript", "show", str(tmp_path / "talk.xml")]) == 1
    assert "Found XML that begins with <a>" in capsys.readouterr().err
    assert main(["transcript", "display", "x"]) == 2
    assert "There is no action 'display'" in capsys.readouterr().err


def test_an_utterance_without_times_or_words_is_shown_as_such(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("Ann: hi\nBen: no")
    assert main(["transcript", "show", str(tmp_path / "a.txt")]) == 0
    assert "2 utterances, without times\nspeakers: Ann (1), Ben (1)\n" in capsys.readouterr().out
    (tmp_path / "a.json").write_text('[{"speaker": "Ann", "start": 1, "end": 2, "text": null}]')
    assert main(["transcript", "show", str(tmp_path / "a.json")]) == 0
    assert "(not known)" in capsys.readouterr().out
