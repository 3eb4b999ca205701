"""A folder belongs to one process at a time: refused while another lives, taken over when that one is dead."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from pathlib import Path

import filelock

from crossspace.errors import CrossspaceError, UsageError
from crossspace.runtime import write_text

LOCK, HOLDER = ".lock", ".holder.json"
_PATIENCE = 0.5
"""Seconds in which somebody who only looks whether the folder is claimed lets go of it again."""
_TRIES = 1000
"""How often a folder may be gone again before it is claimed: others take and leave it meanwhile."""


@contextmanager
def claimed(folder: str | Path, *, passing: bool = False) -> Iterator[None]:
    """Nobody else works in ``folder`` meanwhile.

    The claim ends with the process, however that ends. The folder is made if need be, and removed again when the block
    leaves nothing in it. What dead processes left half-written in it, at any depth, is removed first.

    Args:
        folder: what is claimed.
        passing: the folder is there for the claim alone; it goes with it, also where a killed process left it.

    Raises:
        UsageError: another process holds the folder; the message says which.
        CrossspaceError: the folder cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} should be a folder. Found a file; name another.")
    # Asked before the lock makes it: a folder that was there, even empty, is not ours to remove.
    created = not folder.exists()
    # A lock of the operating system, so that no clock has to decide who is alive.
    lock = filelock.FileLock(folder / LOCK)
    try:
        _acquire(folder, lock)
    except filelock.Timeout as error:
        raise UsageError(
            f"{folder} is in use by {_holder(folder)}. Wait until that one ends, or end it, and run the same command "
            "again; or choose another folder."
        ) from error
    except (OSError, NotImplementedError) as error:  # the latter: a file system that knows no locks
        raise CrossspaceError(f"{folder} cannot be claimed: {error}. Choose a folder you may write to.") from error
    try:
        _sweep(folder)
        # For the message of who is refused only; the lock decides.
        write_text(folder / HOLDER, json.dumps(_self()) + "\n")
        yield
    finally:
        (folder / HOLDER).unlink(missing_ok=True)
        if passing:
            _sweep(folder)
        (folder / LOCK).unlink(missing_ok=True)  # while it is held: a lock whose file has no name is nobody's
        lock.release()
        if created or passing:
            with suppress(OSError):  # there is something in it
                folder.rmdir()


def _acquire(folder: Path, lock: filelock.BaseFileLock) -> None:
    """Make the folder and take its lock, as often as another process that leaves removes it in between."""
    # Whoever leaves removes the folder, perhaps between our making it and locking in it.
    for left in range(_TRIES, 0, -1):
        try:
            folder.mkdir(parents=True, exist_ok=True)  # says that it exists when it went before that could be seen
            lock.acquire(timeout=_PATIENCE)
            return
        except (FileNotFoundError, FileExistsError):
            if left == 1:
                raise


def _sweep(folder: Path) -> None:
    """Remove the halves of files that killed processes left, but for folders inside that others hold."""
    for inner, folders, files in os.walk(folder):
        # In place, as os.walk wants it to leave folders out.
        folders[:] = [name for name in folders if not is_claimed(Path(inner) / name)]
        for name in files:
            if name.startswith(".") and name.endswith(".partial"):
                (Path(inner) / name).unlink(missing_ok=True)


def is_claimed(folder: str | Path) -> bool:
    """Whether another process holds ``folder`` at this moment, or looks whether one does."""
    if not (Path(folder) / LOCK).exists():
        return False
    try:
        with filelock.FileLock(Path(folder) / LOCK, timeout=0):
            (Path(folder) / LOCK).unlink(missing_ok=True)  # a dead process left it
            return False
    except filelock.Timeout:
        return True


def check_unclaimed(folder: str | Path) -> None:
    """Raise :class:`UsageError` when another process holds ``folder``; the message says which."""
    if is_claimed(folder):
        with claimed(folder):  # waits for somebody who only looks
            pass


def strangers(folder: str | Path) -> list[str]:
    """Names in ``folder`` that neither a claim nor an interrupted writing leaves there."""
    folder = Path(folder)
    if not folder.exists():
        return []
    return sorted(p.name for p in folder.iterdir() if p.name not in (LOCK, HOLDER) and not p.name.endswith(".partial"))


def _self() -> dict[str, str | int]:
    return {
        "process": os.getpid(),
        "host": socket.gethostname(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])[:200],
        "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def _holder(folder: Path) -> str:
    """Who holds the folder, as far as that one has said."""
    try:
        content = json.loads((folder / HOLDER).read_text(encoding="utf-8"))
        return f"process {content['process']} on {content['host']} ({content['command']}, since {content['since']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
