"""The lock of the operating system in a folder: on one machine it says at once who lives."""

from __future__ import annotations

import errno
from pathlib import Path

import filelock

from crossspace.engine.owner import newest

LOCK = ".lock"
_PATIENCE = 0.5
"""Seconds in which somebody who only looks whether the folder is claimed lets go of it again."""
_TRIES = 1000
"""How often a folder may be gone again before it is locked: others take and leave it meanwhile."""
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""How a file system says that it knows no locks: there the claim file alone decides."""


def acquire(folder: Path, lock: filelock.BaseFileLock) -> bool | None:
    """Make the folder and take its lock, as often as another process that leaves removes it in between.

    False where another has it, None where the file system knows no locks.
    """
    # Whoever leaves removes the folder, perhaps between our making it and locking in it.
    for left in range(_TRIES, 0, -1):
        try:
            folder.mkdir(parents=True, exist_ok=True)  # says that it exists when it went before that could be seen
            lock.acquire(timeout=_PATIENCE)
            return True
        except filelock.Timeout:
            return False
        except (FileNotFoundError, FileExistsError):
            if left == 1:
                raise
        except (OSError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
                raise
            return None
    return False


def identity(path: Path) -> int | None:
    """By which a lock file is told from another of its name."""
    try:
        return path.stat().st_ino
    except OSError:
        return None


def is_free(folder: Path) -> bool | None:
    """Whether the lock is; None where the file system knows no locks."""
    try:
        with filelock.FileLock(folder / LOCK, timeout=0):
            owner = newest(folder)
            if owner is None or owner.is_here:  # a dead process left it
                (folder / LOCK).unlink(missing_ok=True)
            return True
    except filelock.Timeout:
        return False
    except (OSError, NotImplementedError):
        return None
