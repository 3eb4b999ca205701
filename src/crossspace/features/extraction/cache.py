"""Feature vectors that were computed before, kept on disk and found by what they were computed from."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import warnings
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from crossspace.cache_folder import local_folder
from crossspace.errors import CrossspaceWarning
from crossspace.features.extraction.keys import feature_key, media_digest
from crossspace.features.extractors.base import Missing

__all__ = ["FeatureCache", "default_folder", "feature_key", "media_digest"]

Result = TypeVar("Result")

_WAIT = 60.0
"""Seconds to wait for another process that writes."""
_AT_ONCE = 500
"""Keys of one query: SQLite takes at most 999 in its older releases."""
_INHERITED: list[sqlite3.Connection] = []
"""Connections that came along with a fork: SQLite forbids to use them, and even to close them."""


class FeatureCache:
    """Vectors, reasons and texts by key, in one SQLite file that processes share; a killed process leaves it whole.

    A vector or a text is stored as its bytes with a checksum and comes back bit for bit or not at all; nothing in the
    file can run. A cache is only a convenience: one that is damaged is set aside with a warning and begun anew, and one
    that cannot be written (no space, no permission) warns once and keeps nothing, while the work goes on. Threads may
    share it; it should lie on a disk of this machine. Make one per process, from the folder.

    Args:
        folder: where ``features.sqlite`` lies; :func:`default_folder` where none is given.
    """

    def __init__(self, folder: str | Path | None = None) -> None:
        self.path = (Path(folder) if folder else default_folder()) / "features.sqlite"
        self._connection: sqlite3.Connection | None = None
        self._owner = self._inode = 0
        self._lock = threading.Lock()
        self._usable = True

    def get(self, key: str) -> np.ndarray | Missing | None:
        """What was put under ``key``; ``None`` where nothing was."""
        return self.get_many([key]).get(key)

    def put(self, key: str, value: np.ndarray | Missing) -> None:
        """Keep ``value``, a float32 vector or a reason, under ``key``."""
        self.put_many({key: value})

    def get_many(self, keys: Sequence[str]) -> dict[str, np.ndarray | Missing]:
        """``{key: value}`` of those of ``keys`` that are there."""

        def read(connection: sqlite3.Connection) -> dict[str, np.ndarray | Missing]:
            values: dict[str, np.ndarray | Missing] = {}
            for at in range(0, len(keys), _AT_ONCE):
                some = list(keys[at : at + _AT_ONCE])
                marks = ",".join("?" * len(some))
                rows = connection.execute(f"SELECT key, vector, reason FROM features WHERE key IN ({marks})", some)
                for key, vector, reason in rows:
                    if (value := _value(key, vector, reason)) is not None:
                        values[key] = value
            return values

        return self._try(read) or {}

    def put_many(self, values: Mapping[str, np.ndarray | Missing]) -> None:
        """Keep all of ``values`` or, where the process dies meanwhile, none."""
        rows = [
            (key, None, value.reason) if isinstance(value, Missing) else (key, _checked(key, _bytes(value)), None)
            for key, value in values.items()
        ]

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)

        self._try(write)

    def get_text(self, key: str) -> str | None:
        """The text that was put under ``key``, such as recognised words; ``None`` where none was."""

        def read(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute("SELECT content FROM texts WHERE key = ?", (key,)).fetchone()
            return None if row is None else row[0]

        content = _unchecked(key, self._try(read))
        return None if content is None else content.decode("utf-8")

    def put_text(self, key: str, text: str) -> None:
        """Keep ``text`` under ``key``; texts and vectors do not share their keys."""
        content = _checked(key, text.encode("utf-8"))

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("INSERT OR REPLACE INTO texts VALUES (?, ?)", (key, content))

        self._try(write)

    def clear(self) -> None:
        """Forget everything, and give the space back."""

        def empty(connection: sqlite3.Connection) -> None:
            with connection:
                connection.execute("DELETE FROM features")
                connection.execute("DELETE FROM texts")
            # Outside of the transaction, in which SQLite refuses it; the checkpoint empties the journal file as well.
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

        self._try(empty)

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None and self._owner == os.getpid():
            self._connection.close()
        self._connection = None

    def _try(self, work: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """The result of ``work``; ``None`` where the cache is of no use."""
        with self._lock:  # also while it is closed: SQLite crashes where another thread still uses the connection
            # A second try on the new file, after the damaged one was set aside.
            for last in (False, True):
                if not self._usable:
                    return None
                try:
                    return work(self._open())
                except (sqlite3.Error, OSError) as error:
                    # The connection is of no use after an error, and holds the file that may be moved.
                    self._disconnect()
                    if _is_damage(error) and not last:
                        self._set_aside(error)
                    else:
                        self._usable = False
                        said = f"Features are not kept: {self.path} cannot be used ({error})."
                        warnings.warn(said, CrossspaceWarning, stacklevel=4)
        return None

    def _open(self) -> sqlite3.Connection:
        """The connection of this process: SQLite allows none to be carried through a fork."""
        if self._connection is not None and self._owner != os.getpid():
            _INHERITED.append(self._connection)
            self._connection = None
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Remembered, to see later whether the file of this name is still the one that was opened.
            self._inode = self.path.stat().st_ino if self.path.exists() else 0
            connection = sqlite3.connect(self.path, timeout=_WAIT, check_same_thread=False)
            self._connection, self._owner = connection, os.getpid()
            # Readers and one writer at the same time, and a killed writer leaves the file whole.
            connection.execute("PRAGMA journal_mode = WAL")
            # A power cut may lose the last vectors, never harm the others.
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("CREATE TABLE IF NOT EXISTS features (key TEXT PRIMARY KEY, vector BLOB, reason TEXT)")
            connection.execute("CREATE TABLE IF NOT EXISTS texts (key TEXT PRIMARY KEY, content BLOB)")
            self._inode = self._inode or self.path.stat().st_ino
        return self._connection

    def _set_aside(self, error: Exception) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        try:
            if self.path.stat().st_ino != self._inode:  # another process was faster, and this is its new one
                return
            # The journal belongs to the old file: SQLite would replay it into the new one.
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            os.replace(self.path, aside)
        except FileNotFoundError:
            return
        warnings.warn(
            f"The cache {self.path} is damaged ({error}); it is now {aside.name}, and a new one is begun.",
            CrossspaceWarning,
            stacklevel=5,
        )


def default_folder() -> Path:
    """``CROSSSPACE_CACHE`` where it is a folder, or the folder ``crossspace`` where the platform keeps caches."""
    return local_folder()


def _is_damage(error: Exception) -> bool:
    """Whether the file is at fault, and not its place, its use or what was to be kept."""
    other = (sqlite3.OperationalError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.IntegrityError)
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, other)


def _bytes(vector: np.ndarray) -> bytes:
    # Little-endian, so that a folder can be carried to another machine.
    return vector.astype("<f4").tobytes()


def _checked(key: str, content: bytes) -> bytes:
    """What is stored: the content behind its checksum."""
    # Over the key as well: what got under another key is as wrong as what is damaged.
    return zlib.crc32(content, zlib.crc32(key.encode())).to_bytes(4, "little") + content


def _unchecked(key: str, stored: bytes | None) -> bytes | None:
    """The content of what was stored; ``None`` where it is not what it was."""
    if stored is None or zlib.crc32(stored[4:], zlib.crc32(key.encode())).to_bytes(4, "little") != stored[:4]:
        return None
    return stored[4:]


def _value(key: str, stored: bytes | None, reason: str | None) -> np.ndarray | Missing | None:
    """The vector or the reason that was stored; ``None`` where it is not what it was."""
    if stored is None:
        return Missing(reason or "")
    content = _unchecked(key, stored)
    return None if content is None else np.frombuffer(content, dtype="<f4").astype(np.float32)
