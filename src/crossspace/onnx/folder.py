"""A folder that appears whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from crossspace.engine.owner import this_boot
from crossspace.errors import UsageError
from crossspace.runtime import not_written

_LOCK, _SUFFIX = ".lock", ".partial"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A temporary folder beside ``folder`` that takes its name only when the block ends without an error.

    What a process that was killed has left of the same folder is removed.

    Raises:
        WritingError: it could not be written.
        UsageError: another process has made it in the meantime.
    """
    partial: Path | None = None
    lock: filelock.BaseFileLock | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(folder)
        partial = Path(tempfile.mkdtemp(dir=folder.parent, prefix=_prefix(folder), suffix=_SUFFIX))
        lock = filelock.FileLock(partial / _LOCK, timeout=0)
        with suppress(OSError, NotImplementedError):  # a file system without locks: nobody will take it for left over
            lock.acquire()
        yield partial
        lock.release()
        (partial / _LOCK).unlink(missing_ok=True)
        os.chmod(partial, 0o755)
        _take_name(partial, folder)
    except OSError as error:
        raise not_written(folder, error.strerror or str(error)) from error
    finally:
        if lock is not None:
            lock.release()
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def _take_name(partial: Path, folder: Path) -> None:
    try:
        os.rename(partial, folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise UsageError(
            f"{folder} should not be there yet. Another process has made it meanwhile. Look at it, or name another."
        ) from error


def _prefix(folder: Path) -> str:
    # Of this machine: on many shared file systems the locks of others are not seen.
    return f".{folder.name}.{this_boot()[:8]}."


def _remove_leftovers(folder: Path) -> None:
    for left in folder.parent.iterdir():
        # Without a lock it was made this very moment, or where there are none.
        ours = left.name.startswith(_prefix(folder)) and left.name.endswith(_SUFFIX)
        if not ours or not (left / _LOCK).is_file():
            continue
        with suppress(filelock.Timeout, OSError, NotImplementedError), filelock.FileLock(left / _LOCK, timeout=0):
            shutil.rmtree(left, ignore_errors=True)
