"""Vectors, reasons and texts in small files that many machines write and read: in a shared folder or on a store."""

from __future__ import annotations

import hashlib
import json
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from crossspace.errors import CrossspaceError, CrossspaceWarning
from crossspace.features.extraction.keeping import Keeping, Row
from crossspace.runtime import write_bytes
from crossspace.stores import Place
from crossspace.stores.faults import asking

Result = TypeVar("Result")

FOLDER = "crossspace-features-1"
"""In the folder that is given: what is cleared is no more than this."""
_MEAN, _MOST = 32, 256
"""Keys of a file: usually, and at most."""
_OPEN = 4096
"""Files of which some keys may be waiting for the others."""
_LENGTH = 8
_LARGEST = 1 << 40


class SharedKeeping(Keeping):
    """Files named after the keys in them, each written whole; whoever computes the same writes the same file.

    Keys that are asked for together are kept together, some 32 in a file: a recording then costs a request or two,
    where a file for each key would cost hundreds. Where a file ends is decided by the keys themselves, so that another
    key in the middle changes one file and not all that follow. A file is written when all of its keys are known.

    Args:
        folder: that is shared.
    """

    def __init__(self, folder: Place) -> None:
        self.path = folder / FOLDER
        self._lock = threading.Lock()
        self._usable = True
        self._group_of: OrderedDict[tuple[str, ...], dict[str, Row]] = OrderedDict()
        self._waiting: dict[str, set[tuple[str, ...]]] = {}

    def rows(self, keys: Sequence[str]) -> list[Row]:
        """Those of ``keys`` whose files are there."""
        groups = list(_groups(list(dict.fromkeys(keys))))
        contents = self._try(lambda: self._read([self._file(group) for group in groups])) or [None] * len(groups)
        found: list[Row] = []
        for group, content in zip(groups, contents, strict=True):
            rows = _unpacked(content, group)
            found += rows
            if len(rows) < len(group):
                self._expect(group)
        return found

    def keep(self, rows: Sequence[Row]) -> None:
        """Keep rows; a file is written as soon as all of its keys are known."""
        for group, known in self._completed(rows):
            self._try(partial(write_bytes, self._file(group), _packed(group, known)))

    def text(self, key: str) -> bytes | None:
        """A text, which has a file of its own."""
        found = self._try(lambda: self._read([self.path / "texts" / key[:2] / key]))
        return found[0] if found else None

    def keep_text(self, key: str, content: bytes) -> None:
        """Keep a text."""
        self._try(lambda: write_bytes(self.path / "texts" / key[:2] / key, content))

    def clear(self) -> None:
        """Remove all files, also those that other machines wrote."""
        self._try(self._remove)

    def close(self) -> None:
        """Forget what waits for its neighbours."""
        with self._lock:
            self._group_of.clear()
            self._waiting.clear()

    def _expect(self, group: tuple[str, ...]) -> None:
        """Remember which keys are kept together."""
        with self._lock:
            self._group_of.setdefault(group, {})
            self._group_of.move_to_end(group)
            for key in group:
                self._waiting.setdefault(key, set()).add(group)
            while len(self._group_of) > _OPEN:
                self._forget(next(iter(self._group_of)))

    def _completed(self, rows: Sequence[Row]) -> list[tuple[tuple[str, ...], dict[str, Row]]]:
        """The files that these rows make complete."""
        done: list[tuple[tuple[str, ...], dict[str, Row]]] = []
        with self._lock:
            for row in rows:
                # What nobody asked for has a file of its own.
                if row[0] not in self._waiting:
                    done.append(((row[0],), {row[0]: row}))
                for group in list(self._waiting.get(row[0], ())):
                    known = self._group_of[group]
                    known[row[0]] = row
                    if len(known) == len(group):
                        self._forget(group)
                        done.append((group, known))
        return done

    def _forget(self, group: tuple[str, ...]) -> None:
        del self._group_of[group]
        for key in group:
            groups = self._waiting.get(key, set())
            groups.discard(group)
            if not groups:
                self._waiting.pop(key, None)

    def _file(self, group: tuple[str, ...]) -> Place:
        name = hashlib.sha256("\n".join(group).encode()).hexdigest()
        return self.path / name[:2] / name

    def _read(self, files: Sequence[Place]) -> list[bytes | None]:
        """The contents of files, on a store asked for at the same time."""
        if isinstance(self.path, Path):
            return [file.read_bytes() if file.exists() else None for file in files]
        paths = [file.path for file in files if not isinstance(file, Path)]
        with asking(self.path):
            # As ranges: asked for whole, each would first be asked for its size.
            ends = [_LARGEST] * len(paths)
            found = self.path.fs.cat_ranges(paths, [0] * len(paths), ends, on_error="return") if paths else []
            for content in found:
                if isinstance(content, BaseException) and not isinstance(content, FileNotFoundError):
                    raise content
        return [bytes(content) if isinstance(content, bytes) else None for content in found]

    def _remove(self) -> None:
        if isinstance(self.path, Path):
            files: list[Any] = [file for file in self.path.rglob("*") if file.is_file()]
        else:
            files = self.path.below()
        for file in files:
            file.unlink(missing_ok=True)

    def _try(self, work: Callable[[], Result]) -> Result | None:
        """The result of ``work``; ``None`` where the cache is of no use."""
        if not self._usable:
            return None
        try:
            return work()
        except (CrossspaceError, OSError) as error:
            self._usable = False
            warnings.warn(
                f"Features are not kept: {self.path} cannot be used ({error}).", CrossspaceWarning, stacklevel=4
            )
        return None


def _groups(keys: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Keys that are kept together, in their order."""
    group: list[str] = []
    for key in keys:
        group.append(key)
        # By the key alone, not by its place: the same neighbours then end at the same key wherever they stand.
        if hashlib.sha256(key.encode()).digest()[0] % _MEAN == 0 or len(group) == _MOST:
            yield tuple(group)
            group = []
    if group:
        yield tuple(group)


def _packed(group: tuple[str, ...], rows: dict[str, Row]) -> bytes:
    """A file: its checksum, the length of its description, which says what every key has, and the vectors."""
    vectors = [rows[key][1] for key in group]
    described = [[None if v is None else len(v), rows[key][2]] for key, v in zip(group, vectors, strict=True)]
    head = json.dumps(described, separators=(",", ":")).encode()
    content = len(head).to_bytes(_LENGTH, "little") + head + b"".join(v for v in vectors if v is not None)
    return hashlib.sha256(content).digest() + content


def _unpacked(stored: bytes | None, group: tuple[str, ...]) -> list[Row]:
    """The rows of a file; none where it is damaged, and then it is written anew."""
    if stored is None or hashlib.sha256(stored[32:]).digest() != stored[:32]:
        return []
    at = 32 + _LENGTH + int.from_bytes(stored[32 : 32 + _LENGTH], "little")
    rows: list[Row] = []
    try:
        for key, (length, reason) in zip(group, json.loads(stored[32 + _LENGTH : at]), strict=True):
            rows.append((key, None if length is None else stored[at : at + length], reason))
            at += length or 0
    except (ValueError, TypeError):  # whole, and not written by this
        return []
    return rows
