"""The cache of features where several machines share it."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossspace.errors import CrossspaceWarning, UsageError
from crossspace.features.extraction.cache import FeatureCache, default_folder
from crossspace.features.extractors import Missing
from crossspace.stores import place


def _key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


_VALUES: dict[str, np.ndarray | Missing] = {
    _key(n): Missing(f"reason {n}") if n % 7 == 0 else np.full(8, n, np.float32) for n in range(300)
}


@pytest.fixture(params=["folder", "memory", "bucket"])
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return f"shared:{tmp_path / 'shared'}"
    return str(request.getfixturevalue(request.param))


def _fill(cache: FeatureCache, values: dict[str, np.ndarray | Missing], batch: int = 20) -> None:
    """As an extraction does: asked for together, kept batch by batch."""
    known = cache.get_many(list(values))
    items = [(key, value) for key, value in values.items() if key not in known]
    for at in range(0, len(items), batch):
        cache.put_many(dict(items[at : at + batch]))


def _same(found: dict[str, Any], values: dict[str, Any]) -> bool:
    return found.keys() == values.keys() and all(
        found[k] == v if isinstance(v, Missing) else np.array_equal(found[k], v) for k, v in values.items()
    )


def test_another_machine_finds_what_was_kept(shared: str) -> None:
    assert FeatureCache(shared).get_many(list(_VALUES)) == {}
    _fill(FeatureCache(shared), _VALUES)
    assert _same(FeatureCache(shared).get_many(list(_VALUES)), _VALUES)


def test_a_single_key_and_a_text_are_kept(shared: str) -> None:
    cache = FeatureCache(shared)
    assert cache.get(_key(1)) is None
    assert cache.get_text(_key(1)) is None
    cache.put(_key(1), np.ones(3, np.float32))
    cache.put_text(_key(1), "wörds")
    assert np.array_equal(FeatureCache(shared).get(_key(1)), np.ones(3))  # type: ignore[arg-type]
    assert FeatureCache(shared).get_text(_key(1)) == "wörds"


def test_one_more_in_the_middle_costs_its_neighbours_and_no_others(shared: str) -> None:
    _fill(FeatureCache(shared), _VALUES)
    more = list(_VALUES)
    more.insert(150, _key(1000))
    found = FeatureCache(shared).get_many(more)
    assert 300 - len(found) < 150


def test_files_and_requests_are_few(proxy: Any, bucket: str) -> None:
    _fill(FeatureCache(bucket), _VALUES)
    files = len(place(bucket).below())
    assert 1 <= files <= 30
    proxy.requests.clear()
    assert len(FeatureCache(bucket).get_many(list(_VALUES))) == 300
    assert len(proxy.requests) <= files


def test_clearing_removes_nothing_else(shared: str) -> None:
    root = place(shared.removeprefix("shared:"))
    (root / "mine").parent.mkdir(parents=True, exist_ok=True)
    (root / "mine").write_bytes(b"mine")
    cache = FeatureCache(shared)
    _fill(cache, _VALUES)
    cache.clear()
    assert FeatureCache(shared).get_many(list(_VALUES)) == {}
    assert (root / "mine").read_bytes() == b"mine"


def test_what_is_damaged_is_not_there_and_is_written_anew(memory: str) -> None:
    _fill(FeatureCache(memory), _VALUES)
    for file in place(memory).below():
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(bytes(content))
    assert FeatureCache(memory).get_many(list(_VALUES)) == {}
    _fill(FeatureCache(memory), _VALUES)
    assert _same(FeatureCache(memory).get_many(list(_VALUES)), _VALUES)


def test_what_is_no_file_of_ours_is_not_there(memory: str) -> None:
    _fill(FeatureCache(memory), _VALUES)
    for number, file in enumerate(place(memory).below()):
        content = [b"", b"{", (1).to_bytes(8, "little") + b"[", (2**40).to_bytes(8, "little")][number % 4]
        file.write_bytes(hashlib.sha256(content).digest() + content)
    assert FeatureCache(memory).get_many(list(_VALUES)) == {}


def test_who_is_killed_leaves_whole_files(memory: str) -> None:
    cache = FeatureCache(memory)
    cache.get_many(list(_VALUES))
    cache.put_many(dict(list(_VALUES.items())[:100]))
    found = FeatureCache(memory).get_many(list(_VALUES))
    assert found and all(np.array_equal(v, _VALUES[k]) for k, v in found.items() if not isinstance(v, Missing))
    _fill(FeatureCache(memory), _VALUES)
    assert len(FeatureCache(memory).get_many(list(_VALUES))) == 300


def test_no_permission_warns_once_and_stops_nothing(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refuse)
    cache = FeatureCache(memory)
    with pytest.warns(CrossspaceWarning, match=f"not kept: {memory}.*credentials"):
        _fill(cache, _VALUES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _fill(cache, _VALUES)
        assert cache.get_many(list(_VALUES)) == {}


def test_nobody_answers(bucket: str, elsewhere: Callable[[str], None]) -> None:
    elsewhere("http://127.0.0.1:9")
    cache = FeatureCache(bucket)
    with pytest.warns(CrossspaceWarning, match="nobody answers"):
        assert cache.get_many([_key(1)]) == {}


def test_the_environment_names_it(memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    for chosen, where in ((memory, f"{memory}/"), (f"shared:{tmp_path}/s", f"{tmp_path}/s/")):
        monkeypatch.setenv("CROSSSPACE_CACHE", chosen)
        assert str(FeatureCache().path).startswith(where)
        assert default_folder() == tmp_path / "crossspace"
    with pytest.raises(UsageError, match="followed by the folder"):
        FeatureCache("shared:")
