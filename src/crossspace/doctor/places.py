"""Caches and disks: where they are, how much is in them, whether more can be written."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from crossspace.cache_folder import SHARED, chosen_cache, local_folder
from crossspace.stores import is_address

MOST_FILES = 100_000
"""How many files of a cache are counted."""


def places() -> list[dict[str, Any]]:
    """The folders that are written into unasked, the shared cache and the current folder."""
    found = [
        _of("crossspace's cache", local_folder(), measured=True),
        _of("cache of the Hugging Face hub", _hub(), measured=True),
        _of("temporary files", Path(tempfile.gettempdir())),
        _of("the current folder", Path.cwd()),
    ]
    chosen = chosen_cache()
    if chosen.startswith(SHARED) and not is_address(chosen.removeprefix(SHARED)):
        found.insert(1, _of("shared cache", Path(chosen.removeprefix(SHARED))))
    return found


def _hub() -> Path:
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub")


def _of(what: str, path: Path, measured: bool = False) -> dict[str, Any]:
    """Bytes and files in a folder (where it is ``measured``), whether it can be written to, bytes that are free."""
    there = next((p for p in (path, *path.absolute().parents) if p.exists()), path)
    files, size = _size(path) if measured else (None, None)
    return {
        "what": what,
        "path": str(path),
        "exists": path.exists(),
        "files": files,
        "bytes": size,
        "counted_whole": files is None or files < MOST_FILES,
        "writable": _writable(there, exact=path.exists()),
        "free": shutil.disk_usage(there).free,
    }


def _size(path: Path) -> tuple[int, int]:
    files = size = 0
    for folder, _, names in os.walk(path):
        for name in names:
            # A link counts as itself: the hub's cache has every file once, and links to it.
            size += os.lstat(os.path.join(folder, name)).st_size
            files += 1
            if files >= MOST_FILES:
                return files, size
    return files, size


def _writable(path: Path, exact: bool) -> bool:
    if not exact or not path.is_dir():
        return path.is_dir() and os.access(path, os.W_OK | os.X_OK)
    try:
        # Permissions do not tell of file systems that are read-only or full.
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"x")
        return True
    except OSError:
        return False
