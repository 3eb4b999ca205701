"""A folder belongs to one process at a time, whatever becomes of that one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from crossspace.engine.claim import LOCK, claimed, is_claimed, strangers
from crossspace.engine.owner import HOLDER, claim_path
from crossspace.errors import CrossspaceError, UsageError

_HOLD = """
import sys
from crossspace.engine.claim import claimed
with claimed(sys.argv[1]):
    print("mine", flush=True)
    sys.stdin.read()
"""
_RACE = """
import sys
from crossspace.engine.claim import claimed
from crossspace.errors import UsageError
won = 0
for _ in range(200):
    try:
        with claimed(sys.argv[1]) as _:
            path = sys.argv[2]
            open(path, "x").close()  # fails where two are inside at once
            import os
            os.unlink(path)
            won += 1
    except UsageError:
        pass
print(won)
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "mine\n"
    return process


def test_a_second_process_is_refused_with_who_holds_the_folder(tmp_path: Path) -> None:
    with hold(tmp_path / "a") as other:
        assert is_claimed(tmp_path / "a")
        with pytest.raises(UsageError, match=rf"process {other.pid} on .*since"), claimed(tmp_path / "a"):
            raise AssertionError
        other.communicate("")
    assert not is_claimed(tmp_path / "a") and not (tmp_path / "a").exists()


def test_the_claim_of_a_dead_process_is_taken_over(tmp_path: Path) -> None:
    with hold(tmp_path) as other:
        other.kill()
    assert claim_path(tmp_path, 1).exists() and not is_claimed(tmp_path)
    with claimed(tmp_path):
        (tmp_path / "work").touch()
    assert [p.name for p in tmp_path.iterdir()] == ["work"] == strangers(tmp_path)


def test_what_dead_processes_left_half_written_is_removed_and_what_others_write_is_not(tmp_path: Path) -> None:
    halves = [tmp_path / ".a.x.partial", tmp_path / "run" / "seed-0" / ".b.x.partial"]
    others = [tmp_path / "held" / "seed-0" / ".c.x.partial", tmp_path / "run" / "d.partial", tmp_path / ".kept"]
    for path in (*halves, *others):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    others[0].unlink()
    with hold(tmp_path / "held") as other:
        others[0].touch()
        with claimed(tmp_path):
            assert not any(path.exists() for path in halves)
        other.communicate("")
    assert all(path.exists() for path in others)


def test_a_holder_that_left_no_word_is_still_respected(tmp_path: Path) -> None:
    with hold(tmp_path) as other:
        for text in (b"", b"[]", b"\xff", b"{}"):
            claim_path(tmp_path, 1).write_bytes(text)
            with pytest.raises(UsageError, match="in use by another process"), claimed(tmp_path):
                raise AssertionError
        other.communicate("")


def test_the_word_of_an_earlier_release_is_passed_on_and_what_its_dead_left_is_removed(tmp_path: Path) -> None:
    word = {"process": 7, "host": "old", "command": "crossspace train", "since": "then"}
    (tmp_path / HOLDER).write_text(json.dumps(word))
    with FileLock(tmp_path / LOCK), pytest.raises(UsageError, match="process 7 on old"), claimed(tmp_path):
        raise AssertionError
    assert strangers(tmp_path) == []
    with claimed(tmp_path):
        assert not (tmp_path / HOLDER).exists()


def test_a_failure_inside_gives_the_folder_back_with_what_is_in_it(tmp_path: Path) -> None:
    def work() -> None:
        with claimed(tmp_path / "a"):
            (tmp_path / "a" / "kept").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["kept"]


def test_a_place_where_no_folder_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "nowhere").symlink_to(tmp_path / "nothing" / "there")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    for place in (tmp_path / "file" / "folder", tmp_path / "nowhere", tmp_path / "round", tmp_path / "round" / "a"):
        with pytest.raises(CrossspaceError, match="cannot be claimed"), claimed(place):
            raise AssertionError


def test_a_folder_that_goes_while_it_is_made_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``Path.mkdir`` finds the folder there, looks whether it is one, and it has gone: then it says that it exists."""
    make, failures = Path.mkdir, [FileExistsError(17, "exists"), FileNotFoundError(2, "gone")]

    def mkdir(self: Path, *arguments: object, **options: object) -> None:
        if self == tmp_path / "a" and failures:
            raise failures.pop()
        make(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "mkdir", mkdir)
    with claimed(tmp_path / "a"):
        assert not failures and (tmp_path / "a").is_dir()


def test_two_who_take_and_leave_a_folder_are_never_in_it_together(tmp_path: Path) -> None:
    words = [sys.executable, "-c", _RACE, str(tmp_path / "folder"), str(tmp_path / "inside")]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert all(int(process.communicate()[0]) > 0 and process.returncode == 0 for process in both)
