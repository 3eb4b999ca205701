"""``crossspace analyze FOLDER --out FOLDER`` writes every conversation, and one that fails costs no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.analysis.analysis import Analysis
from crossspace.cli.main import main
from crossspace.data.corpus import Corpus


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    folder = tmp_path / "talks"
    (folder / "monday").mkdir(parents=True)
    (folder / "a.txt").write_text("Ann: I got the job!\nBen: No way.")
    (folder / "monday" / "b.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nAnn: Fine.\n")
    (folder / "notes.bin").write_bytes(b"\0\1")
    return folder


def test_every_conversation_is_written_under_its_name(
    talks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (talks / "broken.json").write_text("{")
    out = tmp_path / "out"
    assert main(["analyze", str(talks), "--out", str(out), "--as", "json,.csv"]) == 1
    told = capsys.readouterr()
    assert "1 of 3" in told.err and "broken: broken.json" in told.err and "notes.bin" in told.err
    assert told.out.startswith(f"1 of 3: {out / 'a.json'}, {out / 'a.csv'}\n")
    assert sorted(str(p.relative_to(out)) for p in out.rglob("*.*")) == [
        "a.csv", "a.json", "monday/b.csv", "monday/b.json"
    ]  # fmt: skip
    found = Analysis.read(out / "monday" / "b.json")
    assert (found.conversation_id, found.utterances[0].speaker, found.utterances[0].end) == ("monday/b", "Ann", 2.0)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "one folder for what is made of its conversations. Found none"),
        (["--out", "a.csv"], "--as says what is written"),
        (["--out", "o", "--out", "p"], "Found 2"),
        (["--out", "o", "--transcript", "a.txt"], "--transcript goes with one conversation"),
        (["--out", "o", "--turns", "a.rttm"], "--turns goes with one conversation"),
        (["--out", "o", "--as", "docx"], "Found 'a.docx'"),
        (["--out", "o", "--track", "2"], "SOURCE names no recording to hear"),
        (["--out", "o", "--transcribe", "whisper:m"], "--transcribe is for recordings without a transcript"),
    ],
)
def test_what_is_of_one_conversation_is_refused_before_anything_is_done(
    talks: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    monkeypatch.chdir(talks.parent)
    for name in ("a.txt", "a.rttm"):
        Path(name).write_text("Ann: hi")
    assert main(["analyze", "talks", *words]) == 2
    assert said in capsys.readouterr().err and not Path("o").exists()


def test_what_was_written_is_not_read_the_next_time(talks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # By a link as well: whoever works in one folder has such.
    (talks / "monday" / "made").symlink_to(talks / "out", target_is_directory=True)
    words = ["analyze", str(talks), "--out", str(talks / "out"), "--as", "csv,json,vtt"]
    (talks / "a.txt").write_text("[00:01] Ann: I got the job!\n[00:03] Ben: No way.")
    made = []
    for _ in range(2):
        assert main(words) == 0
        assert "2 of 2" in capsys.readouterr().out
        made.append(sorted(path.relative_to(talks) for path in (talks / "out").rglob("*.*")))
    assert made[0] == made[1] and len(made[0]) == 6


def test_the_folder_itself_is_no_place_for_what_is_made_of_it(talks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["analyze", str(talks), "--out", f"{talks}/monday/.."]) == 2
    assert "would be read as transcripts" in capsys.readouterr().err
    assert sorted(path.name for path in talks.rglob("*.*")) == ["a.txt", "b.srt", "notes.bin"]


def test_no_file_is_written_over_one_that_is_read_or_was_just_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    for folder in (source / "deep", source / "Deep", out / "deep"):
        folder.mkdir(parents=True)
    talk = "1\n00:00:01,000 --> 00:00:02,000\nAnn: Fine.\n"
    for path in ("deep/b.srt", "Deep/b.srt", "c.srt"):
        (source / path).write_text(talk)
    # As where a file system takes both for one name, and where outputs are linked to where they came from.
    (out / "Deep").symlink_to(out / "deep", target_is_directory=True)
    (out / "c.srt").hardlink_to(source / "c.srt")
    assert main(["analyze", str(source), "--out", str(out), "--as", "srt"]) == 1
    told = capsys.readouterr()
    assert "2 of 3 conversations could not be analyzed" in told.err
    assert "what was made of Deep/b" in told.err and "which is read" in told.err
    assert (source / "c.srt").read_text() == talk


def test_codes_in_names_of_files_reach_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "red\x1b[31m\n.txt").write_text("Ann: Fine.")
    assert main(["analyze", str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--as", "json"]) == 0
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err and len(told.out.splitlines()) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["red\ufffd[31m\ufffd.json"]


def test_what_captions_leave_out_is_told(talks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (talks / "a.txt").write_text("[00:01] Ann: I got the job!\n[00:03] Ben: No way.")
    assert main(["analyze", str(talks), "--out", str(tmp_path / "out"), "--as", "srt,vtt"]) == 0
    told = capsys.readouterr().err
    assert told.count("Note on a: 1 utterances had no end") == 1
    assert main(["analyze", str(talks / "a.txt"), "--out", str(tmp_path / "a.srt")]) == 0
    assert "Note: 1 utterances had no end" in capsys.readouterr().err
    assert "No way." in (tmp_path / "a.srt").read_text()


def test_a_folder_without_conversations_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["analyze", str(tmp_path / "empty"), "--out", str(tmp_path / "o")]) == 1
    assert "should hold recordings or transcripts" in capsys.readouterr().err


def test_two_transcripts_of_one_name_are_refused(talks: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (talks / "a.vtt").write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nhi\n")
    assert main(["analyze", str(talks), "--out", str(talks / "o")]) == 1
    assert "a: a.txt, a.vtt" in capsys.readouterr().err


def test_turns_say_who_speaks_in_a_transcript_that_does_not(tmp_path: Path) -> None:
    (tmp_path / "a.srt").write_text(
        "1\n00:00:00,000 --> 00:00:02,000\nI got the job!\n\n2\n00:00:02,000 --> 00:00:03,000\nNo way.\n"
    )
    (tmp_path / "a.rttm").write_text(
        "SPEAKER a 1 0.0 2.1 <NA> <NA> Ann <NA> <NA>\nSPEAKER a 1 2.1 1.0 <NA> <NA> Ben <NA> <NA>\n"
    )
    words = ["analyze", str(tmp_path / "a.srt"), "--turns", str(tmp_path / "a.rttm"), "--out", str(tmp_path / "a.json")]
    assert main(words) == 0
    assert [u.speaker for u in Analysis.read(tmp_path / "a.json").utterances] == ["Ann", "Ben"]


def test_as_is_for_a_folder_and_turns_for_a_transcript(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.txt").write_text("Ann: hi")
    assert main(["analyze", str(tmp_path / "a.txt"), "--as", "csv"]) == 2
    assert "--as goes with a folder" in capsys.readouterr().err
    (tmp_path / "a.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    assert main(["analyze", str(tmp_path / "a.wav"), "--turns", str(tmp_path / "a.txt")]) == 2
    assert "there is none. Give it, or leave --turns out" in capsys.readouterr().err


def test_a_corpus_takes_its_speakers_from_turns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.srt").write_text(
        "1\n00:00:00,000 --> 00:00:02,000\nI got the job!\n\n2\n00:00:02,000 --> 00:00:03,000\nNo way.\n"
    )
    (tmp_path / "a.rttm").write_text(
        "SPEAKER a 1 0.0 2.1 <NA> <NA> Ann <NA> <NA>\nSPEAKER a 1 2.1 1.0 <NA> <NA> Ben <NA> <NA>\n"
    )
    target = str(tmp_path / "a.parquet")
    words = ["--turns", str(tmp_path / "a.rttm"), "--text", "minilm", "--quiet", "--jobs", "1"]
    words += ["--cache", str(tmp_path / "cache")]
    assert main(["extract", str(tmp_path / "a.srt"), target, *words]) == 0
    (only,) = Corpus.read(target).split("all")
    assert [u.speaker for u in only.utterances] == ["Ann", "Ben"]
    (tmp_path / "b.wav").write_bytes(b"RIFF\0\0\0\0WAVE")
    assert main(["extract", str(tmp_path / "b.wav"), target, *words]) == 2
    assert "--turns goes with the transcript of one conversation" in capsys.readouterr().err
