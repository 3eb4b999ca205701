"""Where trials stand: named, remembered without secrets, never another by accident, and every fault told."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from crossspace.cli.main import main
from crossspace.errors import CrossspaceError, CrossspaceWarning, MissingExtraError, UsageError, WritingError
from crossspace.tune import mounts
from crossspace.tune.mounts import network_type
from crossspace.tune.postgres import Postgres
from crossspace.tune.search import Search
from crossspace.tune.storage import Journal, Sqlite, storage_named
from crossspace.tune.trials import Trials

pytest.importorskip("optuna")

FreeSearch = Callable[..., Search]
MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home {home} nfs4 rw 0 0
/dev/sdb {home}/fast xfs rw 0 0
s3fs {home}/my\\040bucket fuse.s3fs rw 0 0
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on a file server, with a disk and a bucket mounted in it."""
    (tmp_path / "mounts").write_text(MOUNTS.format(home=tmp_path / "home"))
    monkeypatch.setattr(mounts, "_MOUNTS", tmp_path / "mounts")
    return tmp_path / "home"


def test_network_file_systems_are_known_by_the_nearest_mount(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert network_type(home) == network_type(home / "a" / "b") == "nfs4"
    assert network_type(home / "my bucket" / "x") == "fuse.s3fs"
    assert network_type(home / "fast" / "x") is None and network_type("/home2") is None
    assert network_type(f"{home}side") is None
    monkeypatch.setattr(mounts, "_MOUNTS", home / "nothing")
    assert network_type(home) is None


def test_sqlite_over_a_network_is_said_with_what_to_use_instead(home: Path) -> None:
    with pytest.warns(CrossspaceWarning, match=r"network file system \(nfs4\).*--storage journal.*postgresql"):
        Sqlite(home / "search").check()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Sqlite(home / "fast" / "search").check()
        Journal(home / "search").check()


def test_a_search_remembers_its_storage_and_refuses_another_by_name(free_search: FreeSearch, tmp_path: Path) -> None:
    free_search(storage="journal").run(2)
    assert (tmp_path / "search" / "study.log").exists() and not (tmp_path / "search" / "study.db").exists()
    assert yaml.safe_load((tmp_path / "search" / "tune.yaml").read_text())["storage"] == "journal"
    assert len(free_search().run(3).finished()) == 3 == len(Trials(tmp_path / "search").finished())
    with pytest.raises(UsageError, match="storage: 'journal' in the folder, 'sqlite' now"):
        free_search(storage="sqlite").run(4)
    assert not (tmp_path / "search" / "study.db").exists()
    free_search("other").run(1)
    with pytest.raises(UsageError, match="storage: 'sqlite' in the folder, 'journal' now"):
        free_search("other", storage="journal").run(4)


@pytest.mark.parametrize("name", ["mysql://me:secret@host/db", "floppy", ""])
def test_a_storage_that_is_none_is_told_without_its_secrets(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"`--storage` should be sqlite, journal .* or an address") as caught:
        storage_named(name, tmp_path)
    assert "secret" not in str(caught.value)


def test_no_secret_of_an_address_is_kept_or_shown() -> None:
    pytest.importorskip("psycopg")
    storage = Postgres.at("postgresql://me:s%40cret@host:5433/db?sslpassword=cret2&password=cret3&application_name=x")
    assert storage.stated == "postgresql://me@host:5433/db?application_name=x"
    assert "cret" not in repr(storage) + str(storage.lost("gone")) + str(storage.unusable("gone"))
    with pytest.raises(UsageError, match="cannot be read") as caught:
        Postgres.at("postgresql://me:secret@host:port/db")
    assert "secret" not in str(caught.value) and caught.value.__suppress_context__


def test_the_extra_of_a_database_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)
    with pytest.raises(MissingExtraError, match=r"crossspace\[postgres\]"):
        storage_named("postgresql://host/db", tmp_path)


def test_a_journal_on_a_full_disk_is_no_fault_of_a_trial(
    free_search: FreeSearch, monkeypatch: pytest.MonkeyPatch
) -> None:
    import optuna

    own, calls = optuna.storages.journal.JournalFileBackend.append_logs, [0]

    def full(*arguments: object) -> None:
        calls[0] += 1
        if calls[0] > 12:
            raise OSError(28, "No space left on device")
        own(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(optuna.storages.journal.JournalFileBackend, "append_logs", full)
        with pytest.raises(WritingError, match=r"Could not write .*study\.log: No space left"):
            free_search(storage="journal").run(4)
    found = free_search().run(4)
    assert [t.number for t in found.finished()] == [0, 1, 2, 3]


def test_a_damaged_journal_is_told(free_search: FreeSearch, tmp_path: Path) -> None:
    free_search(storage="journal").run(1)
    (tmp_path / "search" / "study.log").write_bytes(b'{"op_code"\n{}\n')
    with pytest.raises(CrossspaceError, match=r"study\.log should hold the trials of a search\. Found"):
        free_search().run(2)


def test_numbers_below_one_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tune", "--jobs", "0"]) == 2
    assert "`--jobs` should be at least 1" in capsys.readouterr().err
