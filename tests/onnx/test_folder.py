"""A folder appears whole or not at all, and what a killed process left goes with the next."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import filelock
import pytest

from crossspace.errors import UsageError, WritingError
from crossspace.onnx.folder import whole_folder

KILLED = """
import os, sys
from pathlib import Path
from crossspace.onnx.folder import whole_folder

with whole_folder(Path(sys.argv[1])) as partial:
    (partial / "half").write_text("half")
    os._exit(9)
"""


def test_it_appears_only_when_all_is_there(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "a" / "out") as partial:
        (partial / "x").write_text("x")
        assert not (tmp_path / "a" / "out").exists()
    assert [path.name for path in (tmp_path / "a" / "out").iterdir()] == ["x"]
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["out"]


def test_nothing_is_left_of_one_that_failed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "out"):
        _ = 1 / 0
    (tmp_path / "file").write_text("mine")
    with pytest.raises(WritingError), whole_folder(tmp_path / "file" / "out"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_a_killed_process_left_goes_and_what_a_living_one_makes_stays(tmp_path: Path) -> None:
    for name in ("out", "other[1]"):
        assert subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / name)], check=False).returncode == 9
    dead = {path.name.split(".")[1]: path for path in tmp_path.iterdir()}
    mine = tmp_path / ".out.of-mine.partial"
    mine.mkdir()
    with whole_folder(tmp_path / "out") as living:
        assert not dead["out"].exists() and dead["other[1]"].exists() and mine.exists()
        with pytest.raises(filelock.Timeout), filelock.FileLock(living / ".lock", timeout=0):
            pass
        with pytest.raises(ZeroDivisionError), whole_folder(tmp_path / "out"):
            _ = 1 / 0
        assert living.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([dead["other[1]"].name, mine.name, "out"])


def test_a_folder_that_another_process_has_made_meanwhile_stays(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Another process has made it meanwhile"), whole_folder(tmp_path / "out"):
        (tmp_path / "out" / "theirs").mkdir(parents=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "theirs"]
