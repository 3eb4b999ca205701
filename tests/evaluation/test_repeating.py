"""The command under "Repeat it" does what it says, from where it says."""

from __future__ import annotations

import html
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest

from crossspace.cli.main import main
from crossspace.evaluation.report import write_report


def printed(run: Path) -> str:
    """The command as a reader copies it from the page."""
    page = (run / "report.html").read_text(encoding="utf-8")
    return html.unescape(re.search(r'id="repeat">.*?<pre>(.*?)</pre>', page, re.DOTALL)[1])


@pytest.mark.parametrize("way", ["relative", "absolute"])
def test_the_printed_command_trains_the_same_model(
    corpus_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    home = tmp_path / "my emotions"
    (home / "it's data").mkdir(parents=True)
    shutil.copy(corpus_file, home / "it's data" / "the corpus.parquet")
    monkeypatch.chdir(home)
    data = Path("it's data") / "the corpus.parquet"
    words = ["train", "--data", str(data if way == "relative" else data.absolute()), "--out", "runs/first & best"]
    small = ["--model.width", "8", "--model.heads", "2", "--model.fusion.rank", "4", "--training.epochs", "1"]
    assert main([*words, *small, "--seeds", "1", "--quiet", "--device", "cpu", "--track", "none"]) == 0
    moved = home.rename(tmp_path / "elsewhere")  # run and corpus together
    run = moved / "runs" / "first & best"
    if way == "relative":
        write_report(run)
    command = printed(run)
    assert command in (run / "report.md").read_text(encoding="utf-8")
    monkeypatch.chdir(run)
    program, *said = shlex.split(command)
    assert program == "crossspace" and main([*said, "--quiet", "--device", "cpu", "--track", "none"]) == 0
    first, again = (json.loads((run / place / "results.json").read_text()) for place in (".", "again"))
    assert first == again


def test_where_the_corpus_is_gone_or_never_was_said_a_placeholder_stands_for_it(write_run, tmp_path: Path) -> None:
    write_report(write_run(tmp_path, seeds=1, conversations=6))
    assert "--data CORPUS.parquet" in printed(tmp_path)
    assert "CORPUS.parquet stands for the corpus file" in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", ["data: [", "data: {a: 1}", "nothing"])
def test_a_damaged_configuration_costs_the_path_and_not_the_report(write_run, tmp_path: Path, line: str) -> None:
    write_run(tmp_path, seeds=1, conversations=6)
    (tmp_path / "config.yaml").write_text(line + "\n")
    write_report(tmp_path)
    assert "--data CORPUS.parquet" in printed(tmp_path)


def test_an_old_run_names_its_corpus_where_the_path_was_absolute(write_run, tmp_path: Path) -> None:
    write_run(tmp_path / "run", seeds=1, conversations=6)
    corpus = tmp_path / "c.parquet"
    corpus.touch()
    (tmp_path / "run" / "config.yaml").write_text(f"data: {corpus}\nmodel: {{}}\n")
    write_report(tmp_path / "run")
    assert f"--data {corpus}" in printed(tmp_path / "run")
