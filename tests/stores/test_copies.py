"""Copies of files on stores: fetched once, never stale, bounded, and never taken away from who uses them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from crossspace.copies import at_hand, make_room, room
from crossspace.errors import DataError, UsageError, WritingError
from crossspace.stores import place


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(params=["memory", "bucket"])
def root(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def _kept(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.glob("media/*/*"))


def test_a_local_file_is_itself(tmp_path: Path) -> None:
    with at_hand(tmp_path / "x") as path:
        assert path == tmp_path / "x"


def test_a_copy_has_the_content_and_the_name(root: str) -> None:
    place(f"{root}/a b/täl k.wav").write_bytes(b"sound")
    with at_hand(place(f"{root}/a b/täl k.wav")) as path:
        assert path.read_bytes() == b"sound"
        assert path.name == "täl k.wav"


def test_it_is_fetched_once(proxy: Any, bucket: str) -> None:
    place(f"{bucket}/x").write_bytes(bytes(100_000))
    proxy.received = 0
    for _ in range(3):
        with at_hand(place(f"{bucket}/x")):
            pass
    assert proxy.received < 110_000


def test_what_was_replaced_is_fetched_anew(root: str) -> None:
    for content in (b"old", b"new"):
        place(f"{root}/x").write_bytes(content)
        with at_hand(place(f"{root}/x")) as path:
            assert path.read_bytes() == content


def test_the_least_recently_used_goes_and_what_is_used_stays(
    memory: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSSPACE_COPIES", "3 KB")
    for name in "abcd":
        place(f"{memory}/{name}").write_bytes(bytes(1000))
    with at_hand(place(f"{memory}/a")) as used:
        os.utime(used, (0, 0))
        for age, name in enumerate("bc", start=1):
            with at_hand(place(f"{memory}/{name}")) as path:
                pass
            os.utime(path, (age, age))
        assert _kept(cache) == ["a", "b", "c"]
        with at_hand(place(f"{memory}/d")):
            assert _kept(cache) == ["a", "c", "d"]
        assert used.read_bytes() == bytes(1000)
    monkeypatch.setenv("CROSSSPACE_COPIES", "0")
    make_room()
    assert _kept(cache) == []


def test_another_process_keeps_what_it_uses(memory: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(f"{memory}/a").write_bytes(b"content")
    with at_hand(place(f"{memory}/a")) as path:
        code = "from crossspace.copies import make_room; make_room()"
        environment = {**os.environ, "CROSSSPACE_COPIES": "0"}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=60)
        assert path.read_bytes() == b"content"


def test_what_is_not_there_is_named(root: str) -> None:
    place(f"{root}/folder/x").write_bytes(b"")
    with (
        pytest.raises(DataError, match=rf"{root}/none should be a file\. Found nothing"),
        at_hand(place(f"{root}/none")),
    ):
        pass
    with pytest.raises(DataError, match="Found a folder"), at_hand(place(f"{root}/folder")):
        pass


def test_errors_speak_of_the_address(memory: str) -> None:
    place(f"{memory}/x").write_bytes(b"no corpus")
    from crossspace import Corpus

    with pytest.raises(DataError, match=f"{memory}/x: ") as refused, at_hand(place(f"{memory}/x")) as path:
        Corpus.read(path)
    assert "cache" not in str(refused.value)


def test_a_connection_lost_leaves_nothing_half_fetched(proxy: Any, bucket: str, cache: Path) -> None:
    place(f"{bucket}/x").write_bytes(bytes(300_000))
    proxy.cut(1, after=100_000, only=b"GET")
    with at_hand(place(f"{bucket}/x")) as path:
        assert path.stat().st_size == 300_000
    assert proxy.made == 1
    place(f"{bucket}/y").write_bytes(bytes(300_000))
    proxy.cut(10_000, after=1_000, only=b"GET")
    with pytest.raises(DataError, match=f"{bucket}/y.*connection was lost"), at_hand(place(f"{bucket}/y")):
        pass
    assert _kept(cache) == ["x"]
    proxy.cut(0, after=0)
    with at_hand(place(f"{bucket}/y")) as path:
        assert path.stat().st_size == 300_000


def test_a_folder_that_cannot_be_written_is_named(memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "file"))
    place(f"{memory}/x").write_bytes(b"x")
    with pytest.raises(WritingError, match="CROSSSPACE_CACHE"), at_hand(place(f"{memory}/x")):
        pass


def test_room_is_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSSPACE_COPIES", "1.5 gb")
    assert room() == 1_500_000_000
    monkeypatch.setenv("CROSSSPACE_COPIES", "much")
    with pytest.raises(UsageError, match="20 GB"):
        room()
