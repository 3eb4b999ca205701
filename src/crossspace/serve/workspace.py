"""Where uploads lie while they are worked on: one folder per server that does not outlive it for long."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

_PREFIX = "crossspace-serve-"


class Workspace:
    """A folder that only this user can read, for the files of one server.

    A lock beside it, which the system lets go when the process dies, tells other servers that its owner is alive. What
    servers left behind that were killed is removed when the next one starts.

    Args:
        base: the folder for temporary files, if not the system's.
    """

    def __init__(self, base: Path | None = None) -> None:
        base = Path(tempfile.gettempdir()) if base is None else base
        sweep(base)
        self.path = base / f"{_PREFIX}{secrets.token_hex(8)}"
        self._lock = FileLock(_lock_of(self.path))
        # The lock first: a folder whose lock is free never belongs to a server that is just starting.
        self._lock.acquire(timeout=0)
        self.path.mkdir(mode=0o700)

    def folder(self) -> Path:
        """A new, empty folder for one request."""
        folder = self.path / secrets.token_hex(8)
        folder.mkdir(mode=0o700, parents=True)
        return folder

    def close(self) -> None:
        """Remove everything."""
        remove(self.path)
        # After the folder is removed: until then no other server may take it for that of a dead one.
        self._lock.release()
        _lock_of(self.path).unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Remove a folder; what resists is left to the next server."""
    shutil.rmtree(folder, ignore_errors=True)


def sweep(base: Path) -> None:
    """Remove the folders of servers that are dead."""
    for lock in base.glob(f"{_PREFIX}*.lock"):
        # A link laid by another user could have us remove or lock a file elsewhere.
        if not _is_own_file(lock):
            continue
        try:
            with FileLock(lock, timeout=0):
                remove(lock.with_suffix(""))
                lock.unlink(missing_ok=True)
        except (Timeout, OSError):
            continue


def _lock_of(folder: Path) -> Path:
    return folder.with_suffix(".lock")


def _is_own_file(path: Path) -> bool:
    """Whether this is a plain file of this user: in a shared folder, others could have laid a link there."""
    try:
        status = path.lstat()
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and (not hasattr(os, "getuid") or status.st_uid == os.getuid())
