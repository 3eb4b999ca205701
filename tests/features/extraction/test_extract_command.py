from __future__ import annotations

import os
from pathlib import Path

import pytest

from crossspace.cli.main import main
from crossspace.engine.claim import HOLDER, LOCK, claimed


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    Path("in").mkdir()
    Path("out").mkdir()
    Path("in/talk.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nANN: hello\n")
    return ["extract", "in/talk.vtt", "out/talk.parquet", "--text", "minilm", "--cache", "cache", "--quiet"]


def test_two_do_not_extract_to_one_file(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with claimed("out/.talk.parquet.claim"):
        assert main(command) == 2
    assert f"process {os.getpid()}" in capsys.readouterr().err
    assert os.listdir("out") == []


def test_nothing_but_the_corpus_lies_there_afterwards_even_where_one_was_killed(command: list[str]) -> None:
    Path("out/.talk.parquet.claim").mkdir()
    for left in (
        ".talk.parquet.claim/" + LOCK,
        f".talk.parquet.claim/.{HOLDER}.abc.partial",
        ".talk.parquet.x.partial",
    ):
        Path("out", left).touch()
    Path("out/.other.parquet.x.partial").touch()
    assert main(command) == 0
    assert sorted(os.listdir("out")) == [".other.parquet.x.partial", "talk.parquet"]
