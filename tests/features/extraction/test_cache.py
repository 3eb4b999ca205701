from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest

from crossspace.errors import CrossspaceWarning
from crossspace.features.extraction.cache import FeatureCache, default_folder, feature_key, media_digest
from crossspace.features.extractors import Missing

WRITER = """
import sys, numpy as np
from crossspace.features.extraction.cache import FeatureCache
cache = FeatureCache(sys.argv[1])
for turn in range(int(sys.argv[3])):
    cache.put_many({f"{sys.argv[2]}-{turn}-{i}": np.full(300, turn, np.float32) for i in range(20)})
    print(turn, flush=True)
"""


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path)


def writer(folder: Path, name: str, turns: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(turns)], stdout=subprocess.PIPE, text=True
    )


def test_a_vector_comes_back_bit_for_bit_and_a_reason_as_a_reason(cache: FeatureCache, tmp_path: Path) -> None:
    vector = np.random.default_rng(0).standard_normal(7).astype(np.float32)
    cache.put("a", vector)
    cache.put("b", Missing("no face found"))
    for again in (cache, FeatureCache(tmp_path)):
        np.testing.assert_array_equal(again.get("a"), vector)
        assert again.get("b") == Missing("no face found")
        assert again.get("c") is None


def test_a_vector_from_the_cache_is_the_callers_own(cache: FeatureCache) -> None:
    cache.put("a", np.ones(3, np.float32))
    cache.get("a")[:] = 5
    np.testing.assert_array_equal(cache.get("a"), np.ones(3))


def test_many_are_found_at_once(cache: FeatureCache) -> None:
    cache.put_many({str(i): np.full(3, i, np.float32) for i in range(2500)})
    found = cache.get_many([str(i) for i in range(0, 5000, 2)])
    assert sorted(found, key=int) == [str(i) for i in range(0, 2500, 2)]
    assert all((vector == int(key)).all() for key, vector in found.items())


def test_clearing_forgets_everything_and_gives_space_back(cache: FeatureCache) -> None:
    cache.put_many({str(i): np.zeros(5000, np.float32) for i in range(50)})
    cache.clear()
    assert cache.get_many(["0", "49"]) == {}
    assert cache.path.stat().st_size < 100_000


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    writers = [writer(tmp_path, str(n), 15) for n in range(3)]
    assert [w.wait(60) for w in writers if w.communicate()] == [0, 0, 0]
    found = FeatureCache(tmp_path).get_many([f"{n}-{t}-{i}" for n in range(3) for t in range(15) for i in range(20)])
    assert len(found) == 3 * 15 * 20


def test_a_killed_process_leaves_whole_batches(tmp_path: Path) -> None:
    running = writer(tmp_path, "x", 100_000)
    assert running.stdout is not None
    said = [int(running.stdout.readline()) for _ in range(5)]
    running.send_signal(signal.SIGKILL)
    running.communicate()
    cache = FeatureCache(tmp_path)
    for turn in said:
        assert len(cache.get_many([f"x-{turn}-{i}" for i in range(20)])) == 20
    cache.put("after", np.ones(2, np.float32))
    assert cache.get("after") is not None


def test_threads_may_share_a_cache(cache: FeatureCache) -> None:
    def work(name: int) -> None:
        for i in range(30):
            cache.put(f"{name}-{i}", np.full(3, name, np.float32))
            assert cache.get(f"{name}-{i}") is not None

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(cache.get_many([f"{n}-{i}" for n in range(4) for i in range(30)])) == 120


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_process_opens_the_file_anew(cache: FeatureCache) -> None:
    cache.put("before", np.ones(2, np.float32))
    child = os.fork()
    if child == 0:
        cache.put("child", np.ones(2, np.float32))
        os._exit(0 if cache.get("before") is not None else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert cache.get("child") is not None


def test_a_damaged_file_is_set_aside_and_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "features.sqlite").write_bytes(b"this is no database" * 100)
    cache = FeatureCache(tmp_path)
    with pytest.warns(CrossspaceWarning, match="damaged"):
        assert cache.get("a") is None
    cache.put("a", np.ones(2, np.float32))
    assert cache.get("a") is not None
    assert len(list(tmp_path.glob("features.sqlite.damaged-*"))) == 1


CROWD = """
import os, sys, threading, warnings
import numpy as np
from crossspace.features.extraction.cache import FeatureCache
warnings.simplefilter("ignore")
def work(cache, name):
    for _ in range(20):
        cache.get_many([str(i) for i in range(3000)])
        cache.put(name, np.ones(3, np.float32))
for turn in range(4):
    cache = FeatureCache(f"{sys.argv[1]}/{turn}")
    cache.put_many({str(i): np.ones(300, np.float32) for i in range(3000)})
    cache.close()
    with open(cache.path, "r+b") as file:
        for at in range(cache.path.stat().st_size // 2, cache.path.stat().st_size, 4096):
            file.seek(at)
            file.write(os.urandom(4096))
    cache = FeatureCache(cache.path.parent)
    threads = [threading.Thread(target=work, args=(cache, f"x{n}")) for n in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
"""


def test_threads_that_share_a_damaged_file_do_not_bring_the_process_down(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", CROWD, str(tmp_path)], timeout=600).returncode == 0


def test_a_file_that_this_cache_made_is_set_aside_too(cache: FeatureCache) -> None:
    cache.put_many({str(i): np.zeros(300, np.float32) for i in range(3000)})
    assert cache.keeping._connection is not None
    cache.keeping._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    cache.path.write_bytes(b"this is no database" * 200_000)
    with pytest.warns(CrossspaceWarning, match="damaged"):
        cache.get_many([str(i) for i in range(3000)])
    cache.put("a", np.ones(2, np.float32))
    assert cache.get("a") is not None


@pytest.mark.parametrize("kind", [sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.IntegrityError])
def test_a_fault_that_is_not_the_files_does_not_set_it_aside(
    cache: FeatureCache, monkeypatch: pytest.MonkeyPatch, kind: type[sqlite3.Error]
) -> None:
    def refuse() -> sqlite3.Connection:
        raise kind("no")

    cache.put("a", np.ones(2, np.float32))
    cache.close()
    assert cache.get("a") is not None
    monkeypatch.setattr(cache.keeping, "_open", refuse)
    with pytest.warns(CrossspaceWarning, match="Features are not kept"):
        assert cache.get("a") is None
    assert not list(cache.path.parent.glob("*damaged*"))


def test_a_vector_that_rotted_is_not_found(cache: FeatureCache) -> None:
    cache.put("a", np.ones(2, np.float32))
    cache.close()
    with sqlite3.connect(cache.path) as connection:
        (stored,) = connection.execute("SELECT vector FROM features").fetchone()
        connection.execute("UPDATE features SET vector = ?", (stored[:-1] + b"\x40",))
    connection.close()
    assert cache.get("a") is None


def test_a_place_that_cannot_be_written_warns_once_and_keeps_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    cache = FeatureCache(tmp_path / "file")
    with pytest.warns(CrossspaceWarning, match="Features are not kept"):
        cache.put("a", np.ones(2, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cache.get("a") is None


def test_the_folder_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"
    assert FeatureCache().path == tmp_path / "mine" / "features.sqlite"
    monkeypatch.delenv("CROSSSPACE_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "crossspace"


def test_a_key_follows_extractor_and_material_and_not_the_order_of_parameters() -> None:
    one = {"name": "x", "version": "1", "parameters": {"a": 1, "b": 2}}
    same = {"parameters": {"b": 2, "a": 1}, "version": "1", "name": "x"}
    assert feature_key(one, "text") == feature_key(same, "text")
    keys = {
        feature_key(one, "text"),
        feature_key({**one, "version": "2"}, "text"),
        feature_key(one, "tex", "t"),
        feature_key(one, "digest", 0.0, 1.5),
        feature_key(one, "digest", 0.0, 1.25),
    }
    assert len(keys) == 5


def test_a_file_is_known_by_its_content_whatever_it_is_called(tmp_path: Path) -> None:
    content = os.urandom(3_000_000)
    (tmp_path / "a.mp4").write_bytes(content)
    (tmp_path / "b.mkv").write_bytes(content)
    (tmp_path / "c.mp4").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert media_digest(tmp_path / "a.mp4") == media_digest(tmp_path / "b.mkv") != media_digest(tmp_path / "c.mp4")


def test_texts_come_back_as_they_were_or_not_at_all(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    cache.put_text("a", "Größe 你好")
    cache.put("a", np.ones(2, np.float32))
    assert FeatureCache(tmp_path).get_text("a") == "Größe 你好" and cache.get_text("b") is None
    with sqlite3.connect(cache.path) as connection:
        (content,) = connection.execute("SELECT content FROM texts WHERE key = 'a'").fetchone()
        connection.execute("INSERT INTO texts VALUES ('other', ?)", (content,))
        connection.execute("UPDATE texts SET content = ? WHERE key = 'a'", (content[:-1] + b"!",))
    # Neither what was damaged nor what lies under another key.
    assert cache.get_text("a") is None and cache.get_text("other") is None
    cache.put_text("a", "again")
    cache.clear()
    assert cache.get_text("a") is None and cache.get("a") is None
