"""Actors of a Ray cluster do what processes do; whichever dies, its item is done again, and no cluster stays behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from crossspace.components import load
from crossspace.engine.engines import Local, Ray
from crossspace.engine.ray_actors import RayActors
from crossspace.engine.ray_cluster import cluster
from crossspace.engine.work import Done, Event, Failed, Reported, Work
from crossspace.errors import CrossspaceError, MissingExtraError, UsageError
from tests.engine.test_processes import Killer, Riddle, begin, do

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.long,
    pytest.mark.xdist_group("ray"),
    pytest.mark.skipif(sys.platform == "win32", reason="Ray runs on Windows as an experiment only"),
]


@pytest.fixture(scope="module")
def connected() -> Iterator[None]:
    """The cluster of a program of the user's own, for all tests of this file but those that begin their own."""
    with cluster("local", 2):
        yield


def once_fatal(state: Path, item: Any, report: Callable[[Any], None]) -> str:
    """The first worker to come to an item dies of it, unless the item says that all do."""
    report("begun")
    fallen = state / str(item).removeprefix("always ")
    if str(item).startswith("always ") or not fallen.exists():
        fallen.touch()
        time.sleep(0.1)  # word of it gets through
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{item} survived"


def begin_fatally(setup: Any) -> None:
    os._exit(7)


def same(setup: Any) -> Any:
    return setup


def ends(items: list[Any], count: int = 2, setup: str = "set up", **options: Any) -> list[Done[Any] | Failed[Any]]:
    with RayActors(Work(begin, do, setup), count, **options) as running:
        running.add(items)
        return [event for event in running if not isinstance(event, Reported)]


def told(events: list[Any]) -> list[tuple[str, Any, Any]]:
    """What events say, but for who did it."""
    kinds = {Reported: lambda e: e.message, Done: lambda e: e.result[1], Failed: lambda e: e.reason[-60:]}
    return [(type(event).__name__, str(event.item), kinds[type(event)](event)) for event in events]


@pytest.mark.usefixtures("connected")
def test_one_actor_says_what_one_process_says_in_the_same_order() -> None:
    items = ["a", "mistake", "bug", "odd", Riddle(), "b"]
    heard: list[list[Event[Any]]] = []
    for engine in (Ray(), Local()):
        with engine.workers(Work(begin, do, "set up"), 1) as running:
            running.add(items)
            heard.append(list(running))
    assert told(heard[0]) == told(heard[1]) and len(heard[0]) == 11
    assert told(heard[0])[-1] == ("Done", "b", ("set up", "a", "mistake", "bug", "odd", "b"))


@pytest.mark.usefixtures("connected")
def test_an_item_that_ends_two_actors_fails_alone_and_one_that_ends_one_is_done(tmp_path: Path) -> None:
    with RayActors(Work(same, once_fatal, tmp_path), 2) as running:
        running.add(["always a", "b"])
        events = list(running)
    done = {event.item: event for event in events if not isinstance(event, Reported)}
    assert done["b"] == Done("b", "b survived")
    assert isinstance(done["always a"], Failed) and done["always a"].died
    assert done["always a"].reason.startswith("2 actors ended while they were at work on it")
    assert sum(isinstance(event, Reported) and event.item == "always a" for event in events) == 2


@pytest.mark.usefixtures("connected")
def test_an_item_that_kills_who_looks_at_it_fails_and_a_death_between_items_harms_none() -> None:
    killer, order = Killer(), []
    with RayActors(Work(begin, do, "x"), 1) as running:
        running.add(["a", killer, "z"])
        for event in running:
            if isinstance(event, Reported):
                continue
            order.append(event.item)
            assert isinstance(event, Done) != (event.item is killer), event
            if event.item == "a":
                running.add(["b", "c"], first=True)
                os.kill(event.result[0], signal.SIGKILL)
    assert order == ["a", "b", "c", killer, "z"]


@pytest.mark.usefixtures("connected")
def test_each_item_gets_a_fresh_actor_where_that_is_asked_for_and_its_threads() -> None:
    first, second = ends(["a", "b"], 1, lasting=False)
    assert first.result[0] != second.result[0] and second.result[1] == ("set up", "b")
    (threads,) = ends(["threads"], 1, threads=2)
    assert threads.result == 2


@pytest.mark.usefixtures("connected")
def test_leaving_the_block_ends_what_is_under_way_and_leaves_the_cluster_of_the_program() -> None:
    with RayActors(Work(begin, do, "x"), 2) as running:
        running.add(["stuck", "a", "stuck"])
        pid = next(event.result[0] for event in running if isinstance(event, Done))
    assert ray.is_initialized()
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            break
        time.sleep(0.1)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.usefixtures("connected")
def test_work_that_cannot_begin_is_told_once_and_so_is_one_whose_beginning_is_fatal() -> None:
    with pytest.raises(CrossspaceError, match=r"^It cannot begin\.$"):
        ends(["a", "b"], setup="impossible")
    with RayActors(Work(begin_fatally, do), 1) as running:
        running.add(["a"])
        with pytest.raises(CrossspaceError, match="3 actors in a row ended before"):
            list(running)


@pytest.mark.usefixtures("connected", "only_the_box")
def test_items_of_classes_from_outside_are_understood(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "from crossspace.objectives.base import Objective\n"
        "class Own(Objective):\n    name = 'own'\n    def parts(self, *given): return {}\n"
        "    def __str__(self): return 'it is mine'\n"
    )
    item = load(tmp_path / "own.py").Own()
    (found,) = ends([item], 1)
    assert found.result[1] == ("set up", "it is mine")
    (tmp_path / "own.py").write_text((tmp_path / "own.py").read_text() + "\n")
    with pytest.raises(CrossspaceError, match="was changed after the command had begun"):
        ends([item], 1)


@pytest.mark.usefixtures("connected")
def test_more_gpus_than_any_machine_has_are_refused() -> None:
    with pytest.raises(UsageError, match="Found 99 asked for, and 0 on the one with most"):
        ends(["a"], 1, gpus=99.0)


@pytest.mark.usefixtures("connected")
def test_a_program_that_is_connected_is_not_connected_elsewhere() -> None:
    with pytest.raises(UsageError, match=r"at 192\.0\.2\.1:6379\. Found it connected to"):
        ends(["a"], 1, address="192.0.2.1:6379")


def refusal(code: str) -> str:
    """What a program that is not connected is told; in a process of its own, because this one is."""
    head = "from tests.engine.test_ray_actors import *\n"
    body = f"try:\n    ends(['a'], address={code})\nexcept UsageError as error:\n    print(error)"
    finished = subprocess.run(
        [sys.executable, "-c", head + body], env=_environment(), capture_output=True, text=True, timeout=60
    )
    return finished.stdout


def test_an_address_that_nobody_or_somebody_else_answers_at_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        threading.Thread(target=_answer_in_http, args=(other,), daemon=True).start()
        said = refusal(f"'{taken}'")
    assert f"Who answers at {taken} is no Ray cluster" in said
    assert "Nobody answers at 127.0.0.1:1 (Connection refused)" in refusal("'127.0.0.1:1'")
    assert "should be HOST:PORT" in refusal("'ray://somewhere:10001'")


def _answer_in_http(server: socket.socket) -> None:
    line, _ = server.accept()
    with line:
        line.recv(1000)
        line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"crossspace\[ray\]"):
        RayActors(Work(begin, do), 1)


def _environment() -> dict[str, str]:
    home = str(Path(__file__).parents[2])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([home, *sys.path])}


SCRIPT = """
import signal

signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever starts the tests in the background ignores it
from crossspace.engine.engines import Ray
from crossspace.engine.work import Work
from tests.engine.test_processes import begin, do

with Ray().workers(Work(begin, do, "x"), 2) as running:
    running.add(["stuck", "stuck"])
    for event in running:
        print("begun", flush=True)
"""


def _offspring(process: int) -> set[int]:
    """All processes below one, as they are listed under ``/proc``."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has ended
            continue
    found, more = set(), {process}
    while more:
        more = {child for child, parent in parents.items() if parent in more}
        found |= more
    return found


def _running(process: int) -> str | None:
    """The name of a process, unless it has ended."""
    try:
        name, _, rest = Path(f"/proc/{process}/stat").read_text().rpartition(")")
    except OSError:
        return None
    return None if rest.split()[0] == "Z" else f"{name})"  # nobody has asked how it ended


@pytest.mark.skipif(sys.platform != "linux", reason="processes as Linux lists them")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_stays_behind_when_a_program_is_interrupted_or_killed(tmp_path: Path, number: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        env=_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        below = _offspring(process.pid)
        assert len(below) > 4
        # Ctrl-C reaches the whole group, the other comes to the one that was started.
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
        process.wait(timeout=60)
    assert process.returncode == -number
    deadline = time.monotonic() + 120
    while left := [name for name in map(_running, below) if name]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)


LOST = """
import os
import signal
import time

import crossspace.engine.ray_actors as actors
from crossspace.engine.work import Work
from crossspace.errors import CrossspaceError


def end_the_machine(state, item, report):
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


actors._PATIENCE = 2.0
try:
    with actors.RayActors(Work(lambda setup: setup, end_the_machine), 1) as running:
        running.add(["a"])
        list(running)
except CrossspaceError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the parent of an actor is the machine's only there")
def test_a_cluster_that_has_lost_its_last_machine_is_not_waited_for() -> None:
    done = subprocess.run([sys.executable, "-c", LOST], env=_environment(), capture_output=True, text=True, timeout=120)
    assert "has lost its last machine" in done.stdout, done.stderr
