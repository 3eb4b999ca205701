from __future__ import annotations

import os
import wave
from pathlib import Path

import numpy as np
import pytest

from crossspace.cli.main import main
from crossspace.data.corpus import Corpus
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


@pytest.fixture
def talks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A folder with two talks of two channels, and what extracts how they sound."""
    pytest.importorskip("av")
    monkeypatch.chdir(tmp_path)
    Path("talks/late").mkdir(parents=True)
    tone = np.sin(np.arange(16000) / 5)
    for name in ("talks/a", "talks/late/b"):
        with wave.open(f"{name}.wav", "wb") as file:
            file.setparams((2, 2, 8000, 0, "NONE", ""))
            file.writeframes((np.stack([0.5 * tone, 0.05 * tone], axis=1) * 32767).astype("<i2").tobytes())
        Path(f"{name}.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n\n00:01.000 --> 00:02.000\nBEN: hi\n")
    Path("talks/notes.pdf").touch()
    options = ["--text", "none", "--visual", "none", "--cache", "cache", "--quiet", "--jobs", "1"]
    return ["extract", "talks", "talks.parquet", *options]


def test_a_folder_of_recordings_becomes_a_corpus_and_its_other_files_are_told(
    talks: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*talks, "--channels", "Ann,Ben"]) == 0
    corpus = Corpus.read("talks.parquet")
    assert [c.id for c in corpus.split(None)] == ["a", "late/b"]
    assert corpus.heard == {"a": "channels Ann, Ben", "late/b": "channels Ann, Ben"}
    first, second = corpus.split(None)[1].utterances
    assert (first.speaker, second.speaker) == ("Ann", "BEN")
    assert first.features["audio"][0] - second.features["audio"][0] == pytest.approx(20, abs=1)
    said = capsys.readouterr().err
    assert "files that are neither recordings nor transcripts of one by their names are left out (1): notes.pdf" in said


def test_a_choice_of_sound_is_refused_where_it_is_wrong_or_there_is_none(
    talks: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["extract", "talks/a.vtt", "talks.parquet", "--track", "1"]
    for words, fault in (
        ([*talks, "--track", "0"], "number of an audio track"),
        ([*talks, "--channels", "Ann"], "all different"),
        ([*talks, "--track", "2"], "should have an audio track 2. Found one audio track. Tracks that can be heard: 1."),
        ([*talks, "--channels", "A,B,C"], "Found 2 channels"),
        (said, "--track: SOURCE names no recording"),
        (["analyze", "talks/a.vtt", "--channels", "speakers"], "--channels: SOURCE names no recording"),
    ):
        assert main(words) != 0
        assert fault in capsys.readouterr().err
