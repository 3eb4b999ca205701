"""Addresses and paths: what is meant, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from crossspace.errors import DataError, MissingExtraError, UsageError
from crossspace.stores import beside, is_address, place


@pytest.mark.parametrize("text", ["corpus.parquet", "/a/b", "C://x", "a:b", "owner/name", "s3:/half"])
def test_a_plain_path_stays_one(text: str) -> None:
    assert place(text) == Path(text)
    assert not is_address(text)


def test_file_addresses_are_paths() -> None:
    assert place("file:///a/b%20c") == Path("/a/b c")
    assert place(Path("/a/b c").as_uri()) == Path("/a/b c")
    assert not is_address("file:///a")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("https://host/a", "Known|Did you mean"),
        ("s4://bucket/a", "s3"),
        ("s3://", "no bucket"),
        ("s3:///key", "no bucket"),
        ("s3://bucket/../other/x", "leads out"),
        ("s3://key:secret@bucket/x", "password"),
        ("s3://bucket/x::file:///etc/passwd", "joins two"),
        ("s3://bucket/x?versionId=3", "versionId"),
        ("memory://a/b\nc", "control character"),
        ("file://host/a", "this machine"),
    ],
)
def test_what_is_no_usable_address_is_refused(address: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        place(address)
    assert "secret" not in str(refused.value)


def test_a_missing_library_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "gcsfs", None)
    with pytest.raises(MissingExtraError, match=r"crossspace\[gcs\]"):
        place("gs://bucket/a")


def test_dots_are_resolved_and_names_are_kept(memory: str) -> None:
    assert str(place(f"{memory}/a/./b/../c d#?e")) == f"{memory}/a/c d#?e"


def test_an_address_survives_pickling(memory: str) -> None:
    address = place(f"{memory}/a b/c")
    assert str(pickle.loads(pickle.dumps(address))) == str(address)
    assert pickle.loads(pickle.dumps(address)) == address


def test_what_a_name_beside_a_file_means(memory: str, tmp_path: Path) -> None:
    assert str(beside(place(memory), "x/../y.wav")) == f"{memory}/y.wav"
    assert beside(place(memory), "/local/y.wav") == Path("/local/y.wav")
    assert str(beside(tmp_path, f"{memory}/y")) == f"{memory}/y"
    assert beside(tmp_path, "y") == tmp_path / "y"
    with pytest.raises(UsageError, match="leads out"):
        beside(place(memory), "../../y")


@pytest.mark.parametrize("name", ["x::file:///etc/passwd", "a\nb", "::"])
def test_a_name_that_would_lead_elsewhere_is_refused(memory: str, name: str) -> None:
    with pytest.raises(UsageError):
        place(memory) / name


def test_an_address_is_read_as_a_path_is(memory: str) -> None:
    folder = place(memory)
    for name in ("a.txt", "sub/b.csv", "sub/[c].csv"):
        (folder / name).write_text(name)
    assert [one.name for one in folder.iterdir()] == ["a.txt", "sub"]
    assert [str(one) for one in folder.glob("s*/*.csv")] == [f"{memory}/sub/[c].csv", f"{memory}/sub/b.csv"]
    assert (folder / "sub").is_dir() and not (folder / "sub").is_file()
    assert (folder / "a.txt").is_file() and not (folder / "none").exists()
    assert (folder / "a.txt").read_text() == "a.txt"
    with (folder / "sub" / "b.csv").open() as file:
        assert file.read() == "sub/b.csv"
    (folder / "a.txt").unlink()
    (folder / "a.txt").unlink(missing_ok=True)
    assert not (folder / "a.txt").exists()


def test_nothing_is_written_bit_by_bit(memory: str) -> None:
    with pytest.raises(UsageError, match="whole"):
        place(f"{memory}/x").open("w")


def test_no_permission_is_not_taken_for_absence(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(MemoryFileSystem, "info", refuse)
    for question in ("exists", "is_file", "is_dir"):
        with pytest.raises(DataError, match=f"{memory}.*credentials"):
            getattr(place(memory), question)()
