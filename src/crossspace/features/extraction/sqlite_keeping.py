"""Vectors, reasons and texts in one SQLite file of this machine."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from crossspace.errors import CrossspaceWarning
from crossspace.features.extraction.keeping import Keeping, Row

Result = TypeVar("Result")

_WAIT = 60.0
"""Seconds to wait for another process that writes."""
_AT_ONCE = 500
"""Keys of one query: SQLite takes at most 999 in its older releases."""
_INHERITED: list[sqlite3.Connection] = []
"""Connections that came along with a fork: SQLite forbids to use them, and even to close them."""


class SqliteKeeping(Keeping):
    """One file that processes share; a killed process leaves it whole.

    One that is damaged is set aside with a warning and begun anew. It has to lie on a disk of this machine.

    Args:
        folder: where ``features.sqlite`` lies.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "features.sqlite"
        self._connection: sqlite3.Connection | None = None
        self._owner = self._inode = 0
        self._lock = threading.Lock()
        self._usable = True

    def rows(self, keys: Sequence[str]) -> list[Row]:
        """Those of ``keys`` that are there."""

        def read(connection: sqlite3.Connection) -> list[Row]:
            found: list[Row] = []
            for at in range(0, len(keys), _AT_ONCE):
                some = list(keys[at : at + _AT_ONCE])
                marks = ",".join("?" * len(some))
                found += connection.execute(f"SELECT key, vector, reason FROM features WHERE key IN ({marks})", some)
            return found

        return self._try(read) or []

    def keep(self, rows: Sequence[Row]) -> None:
        """All of them or, where the process dies meanwhile, none."""

        def write(connection: sqlite3.Connection) -> None:
            with connection:
                connection.executemany("INSERT OR REPLACE INTO features VALUES (?, ?, ?)", rows)

        self._try(write)

    def text(self, key: str) -> bytes | None:
        """What was kept of a text."""

        def read(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute("SELECT content FROM texts WHERE key = ?", (key,)).fetchone()
            return None if row is None else row[0]

        return self._try(read)

    def keep_text(self, key: str, content: bytes) -> None:
        """Keep a text."""

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


def _is_damage(error: Exception) -> bool:
    """Whether the file is at fault, and not its place, its use or what was to be kept."""
    other = (sqlite3.OperationalError, sqlite3.ProgrammingError, sqlite3.DataError, sqlite3.IntegrityError)
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, other)
