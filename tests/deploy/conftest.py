"""What files for other machines are checked with on this one."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "deploy"
_RECORD = '#!/bin/sh\nprintf "%s\\n" "$*" >>"$CALLS/$(basename "$0")"\n'


@pytest.fixture
def deploy() -> Path:
    """The folder of the examples."""
    return FOLDER


@pytest.fixture
def said_in() -> Callable[[str], str]:
    """The commands that stand in the comment at the head of a file, as a script."""

    def commands(name: str) -> str:
        head = [line for line in (FOLDER / name).read_text().splitlines() if line.startswith("#")]
        return "\n".join(line[6:] for line in head if line.startswith("#     "))

    return commands


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[str], list[list[str]]]]:
    """Puts programs on the path that note down how they were called; returns what reads these notes."""
    calls, programs = tmp_path / "calls", tmp_path / "programs"
    calls.mkdir()
    programs.mkdir()
    monkeypatch.setenv("CALLS", str(calls))
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    def install(**afterwards: str) -> Callable[[str], list[list[str]]]:
        for name, more in afterwards.items():
            (programs / name).write_text(_RECORD + more)
            (programs / name).chmod(0o755)
        return read

    def read(name: str) -> list[list[str]]:
        noted = calls / name
        return [shlex.split(line) for line in noted.read_text().splitlines()] if noted.exists() else []

    return install


@pytest.fixture
def check_extraction() -> Callable[[list[list[str]], int], None]:
    """Checks that calls of crossspace are all shares of an extraction and its merge."""

    def check(calls: list[list[str]], shares: int) -> None:
        from crossspace.cli.tree import parsers

        *extractions, merge = calls
        known = parsers()
        assert all(words[0] == "extract" for words in extractions) and merge[0] == "merge"
        options = [known["extract"].parse_all(words[1:]) for words in extractions]
        assert {o.target for o in options} == {known["merge"].parse_all(merge[1:]).target}
        assert sorted(str(o.shard) for o in options) == sorted(f"{i + 1}/{shares}" for i in range(shares))

    return check
