"""Processes do items one at a time; whichever fails, dies or is left alone, the others go on and none stays behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossspace.components import load
from crossspace.engine.processes import Processes
from crossspace.engine.work import Done, Failed, Reported, Work, one_line
from crossspace.errors import CrossspaceError, DataError


class Killer:
    """Ends the process that looks at it."""

    def __reduce__(self) -> Any:
        return os._exit, (9,)


class Riddle:
    """Cannot be made again over there."""

    def __reduce__(self) -> Any:
        return int, ("no number",)


def begin(setup: str) -> list[str]:
    if setup == "impossible":
        raise DataError("It cannot begin.")
    return [setup]


def do(state: list[str], item: Any, report: Callable[[Any], None]) -> Any:
    report("begun")
    state.append(str(item))
    if item == "mistake":
        raise DataError("Told in words.")
    if item == "bug":
        raise ZeroDivisionError
    if item == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "odd":
        return lambda: None
    if item == "stuck":
        threading.Event().wait()
    if item == "environment":
        return os.environ.get("OF_NOW")
    if item == "threads":
        import torch

        return torch.get_num_threads()
    return os.getpid(), tuple(state)


def ends(items: list[Any], count: int, setup: str = "set up", **options: Any) -> list[Done[Any] | Failed[Any]]:
    with Processes(Work(begin, do, setup), count, **options) as running:
        running.add(items)
        found = [event for event in running if not isinstance(event, Reported)]
    assert not multiprocessing.active_children()
    return found


def test_a_process_begins_once_and_does_items_in_turn_whatever_fails() -> None:
    killer, riddle = Killer(), Riddle()
    found = ends(["a", "mistake", "bug", "odd", riddle, "b", killer, "c", "kill", "d"], 1)
    assert [event.item for event in found] == ["a", "mistake", "bug", "odd", riddle, "b", killer, "c", "kill", "d"]
    told = {str(event.item): event for event in found}
    assert told["mistake"].reason == "Told in words." and "ZeroDivisionError" in told["bug"].reason
    assert "pickle" in told["odd"].reason and "invalid literal" in told[str(riddle)].reason
    assert told["b"].result == (told["a"].result[0], ("set up", "a", "mistake", "bug", "odd", "b"))
    assert told[str(killer)].reason == "The process ended with exit code 9 and said nothing." and told[str(killer)].died
    assert "signal 9: perhaps there was not enough memory" in told["kill"].reason and told["kill"].died
    assert told["c"].result[1] == ("set up", "c") and told["d"].result[1] == ("set up", "d")
    assert not any(event.died for event in found if isinstance(event, Failed) and event.item in ("mistake", "bug"))


def test_each_item_gets_a_fresh_process_where_that_is_asked_for_and_its_threads() -> None:
    first, second, threads = ends(["a", "b", "threads"], 1, lasting=False, threads=1)
    assert first.result[0] != second.result[0] and second.result[1] == ("set up", "b") and threads.result == 1


def test_what_follows_from_an_item_comes_before_all_that_waits_and_a_death_between_items_harms_none() -> None:
    order = []
    with Processes(Work(begin, do, "x"), 1) as running:
        running.add(["a", "z"])
        for event in running:
            if isinstance(event, Done):
                order.append(event.item)
                if event.item == "a":
                    running.add(["b", "c"], first=True)
                    os.kill(event.result[0], signal.SIGKILL)
            else:
                assert isinstance(event, Reported), event
    assert order == ["a", "b", "c", "z"]


def test_leaving_the_block_ends_what_is_under_way() -> None:
    with Processes(Work(begin, do, "x"), 2) as running:
        running.add(["stuck", "a", "stuck"])
        for event in running:
            if isinstance(event, Done):
                break
    assert not multiprocessing.active_children()


def test_work_that_cannot_begin_is_told_once() -> None:
    with pytest.raises(CrossspaceError, match=r"^It cannot begin\.$"):
        ends(["a", "b"], 2, setup="impossible")
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("only_the_box")
def test_items_of_classes_from_outside_are_understood(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from crossspace.objectives.base import Objective\n"
        "class Own(Objective):\n    name = 'own'\n    def parts(self, *given): return {}\n"
        "    def __str__(self): return 'it is mine'\n"
    )
    (found,) = ends([load(tmp_path / "own.py").Own()], 1)
    assert found.result[1] == ("set up", "it is mine")


SCRIPT = """
import signal
import sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests in the background ignores it
from crossspace.engine.processes import Processes
from crossspace.engine.work import Reported, Work
from tests.engine.test_processes import begin, do

with Processes(Work(begin, do, "x"), 2) as running:
    running.add(["stuck", "stuck"])
    for event in running:
        print("begun", flush=True)
"""


def _started(folder: Path, script: str) -> subprocess.Popen[str]:
    (folder / "script.py").write_text(script)
    home = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, str(folder / "script.py")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([home, *sys.path]), "TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_script_without_a_guard_is_told_what_to_write(tmp_path: Path) -> None:
    with _started(tmp_path, SCRIPT) as process:
        _, said = process.communicate(timeout=600)
    assert process.returncode == 1 and "bootstrapping" not in said
    assert said.splitlines()[-1].endswith('write what the script does below a line `if __name__ == "__main__":`.')


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_stays_behind_and_one_process_speaks_when_all_are_interrupted(tmp_path: Path, number: int) -> None:
    body = SCRIPT.replace("\nwith", "\nif __name__ == '__main__':\n  with").replace("\n    ", "\n      ")
    with _started(tmp_path, body) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        # Ctrl-C reaches the whole group, the others come to the one that was started.
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        _, said = process.communicate(timeout=600)  # the pipes end with the last process that holds them
    assert process.returncode == -number
    assert said.count("Traceback") == (number == signal.SIGINT)
    # Beside the script there is at most what PyTorch keeps for all processes of a user.
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("torchinductor")] == ["script.py"]


def test_processes_have_the_environment_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    (before,) = ends(["environment"], 1)
    monkeypatch.setenv("OF_NOW", "seen")
    (after,) = ends(["environment"], 1)
    assert (before.result, after.result) == (None, "seen")


@pytest.mark.parametrize(
    ("reason", "shown"),
    [
        ("A setting is wrong.\n  - this one", "A setting is wrong."),
        ("full seed 0: Traceback (most recent call last):\n  File 'a'\nValueError: no", "ValueError: no"),
        ("", ""),
    ],
)
def test_a_reason_is_shown_by_its_sentence_or_by_the_error_below_its_trace(reason: str, shown: str) -> None:
    assert one_line(reason) == shown
