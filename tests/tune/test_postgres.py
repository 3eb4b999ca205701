"""A search whose trials stand in PostgreSQL: a real server, begun here, that refuses, goes and comes back."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from crossspace.errors import CrossspaceError, WritingError
from crossspace.tune.folds import Folds
from crossspace.tune.search import Search
from crossspace.tune.storage import storage_named
from crossspace.tune.trials import Trials

pytest.importorskip("optuna")
pytest.importorskip("psycopg")
_PLACES = os.pathsep.join([os.environ.get("PATH", ""), *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])
INITDB = shutil.which("initdb", path=_PLACES)
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(INITDB is None, reason="there is no initdb of PostgreSQL"),
]

FreeSearch = Callable[..., Search]
SECRET = "a%40secret"


class Server:
    """PostgreSQL on loopback, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The server refuses to run as root, and root's temporary folders are closed to others.
        self.user = next((u.pw_name for u in pwd.getpwall() if u.pw_name in ("postgres", "nobody")), None)
        self.as_user: dict[str, Any] = {"user": self.user, "cwd": folder} if os.geteuid() == 0 else {"cwd": folder}
        if os.geteuid() == 0:
            shutil.chown(folder, self.user)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        assert INITDB is not None
        (self.folder / "password").write_text("a@secret\n")
        (self.folder / "password").chmod(0o644)
        words = [INITDB, "-D", "data", "-U", "me", "--auth=scram-sha-256", "--pwfile=password", "--no-sync"]
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL, **self.as_user)

    def begin(self) -> None:
        assert INITDB is not None
        program = str(Path(INITDB).resolve().with_name("postgres"))
        options = ["-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-k", str(self.folder), "-F"]
        self.process = subprocess.Popen(
            [program, "-D", "data", *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.as_user
        )
        for _ in range(600):
            try:
                storage_named(self.address, "").check()
                return
            except CrossspaceError:
                assert self.process.poll() is None
                time.sleep(0.05)
        raise AssertionError("the server did not begin")

    def end(self) -> None:
        if self.process is not None:
            self.process.send_signal(3)  # at once, and in order
            self.process.wait()
            self.process = None

    @property
    def address(self) -> str:
        return f"postgresql://me:{SECRET}@127.0.0.1:{self.port}/postgres"

    @property
    def shown(self) -> str:
        return f"postgresql://me@127.0.0.1:{self.port}/postgres"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    made = Server(folder)
    try:
        made.make()
        made.begin()
        yield made
    finally:
        made.end()
        shutil.rmtree(folder, ignore_errors=True)


def numbers_and_values(trials: Trials) -> list[tuple[Any, ...]]:
    return [(t.number, t.state.name, t.value, sorted(t.params.items()), t.user_attrs) for t in trials.finished()]


def test_several_find_there_what_one_finds_in_a_file_and_no_password_is_kept(
    server: Server, free_search: FreeSearch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = numbers_and_values(free_search("file", at_once=3).run(7))

    def search() -> None:
        free_search("base", at_once=3, shared=True, storage=server.address).run(7)

    both = [Thread(target=search) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    monkeypatch.setenv("PGPASSWORD", "a@secret")
    assert numbers_and_values(Trials(tmp_path / "base")) == expected
    assert (tmp_path / "base" / "best.yaml").read_bytes() == (tmp_path / "file" / "best.yaml").read_bytes()
    settings = (tmp_path / "base" / "tune.yaml").read_text()
    assert yaml.safe_load(settings)["storage"] == server.shown
    kept = [path for path in (tmp_path / "base").rglob("*") if path.is_file() and b"secret" in path.read_bytes()]
    assert kept == []


def test_searches_of_several_folders_stand_in_one_database(
    server: Server, free_search: FreeSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    free_search("first", storage=server.address).run(2)
    assert len(free_search("second", storage=server.address).run(1).finished()) == 1
    monkeypatch.setenv("PGPASSWORD", "a@secret")
    assert len(free_search("first").run(3).finished()) == 3


def test_a_wrong_password_is_told_and_leaves_nothing_behind(
    server: Server, free_search: FreeSearch, tmp_path: Path
) -> None:
    with pytest.raises(CrossspaceError, match=r'password authentication failed for user "me"') as caught:
        free_search(storage=server.address.replace(SECRET, "wrongpass")).run(1)
    assert server.shown in str(caught.value) and "PGPASSWORD" in str(caught.value)
    assert "wrongpass" not in str(caught.value) and not (tmp_path / "search").exists()
    assert len(free_search(storage=server.address).run(1).finished()) == 1


def test_a_database_that_is_not_there_is_told(server: Server, free_search: FreeSearch) -> None:
    with pytest.raises(CrossspaceError, match='database "nothing" does not exist'):
        free_search(storage=server.address.replace("/postgres", "/nothing")).run(1)


def test_a_server_that_goes_and_comes_back_costs_no_trial(
    server: Server, free_search: FreeSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = numbers_and_values(free_search("file").run(4))
    own, calls = Folds.score, [0]

    def goes(*arguments: Any) -> float:
        calls[0] += 1
        if calls[0] == 4:
            server.end()
        return own(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(Folds, "score", goes)
        with pytest.raises(WritingError, match="can no longer be written to postgresql://me@") as caught:
            free_search(storage=server.address).run(4)
    assert "secret" not in str(caught.value) and "INSERT" not in str(caught.value)
    with pytest.raises(CrossspaceError, match=r"should be a PostgreSQL database that can be used.*refused"):
        free_search(storage=server.address).run(4)
    server.begin()
    assert numbers_and_values(free_search(storage=server.address).run(4)) == expected
