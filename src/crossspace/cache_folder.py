"""Where this machine keeps what can be made or fetched again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from crossspace.stores import is_address

CACHE = "CROSSSPACE_CACHE"
"""A folder, ``shared:`` and a folder, or an address; an environment variable."""
SHARED = "shared:"
"""Before a folder that several machines use at once."""


def chosen_cache() -> str:
    """What the environment says; empty where it says nothing."""
    return os.environ.get(CACHE, "")


def local_folder() -> Path:
    """``CROSSSPACE_CACHE`` where it is a folder of this machine, or where the platform keeps caches."""
    chosen = chosen_cache()
    if chosen and not chosen.startswith(SHARED) and not is_address(chosen):
        return Path(chosen)
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "crossspace" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "crossspace"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crossspace"


def scratch_folder() -> Path:
    """Where runs are worked on that are mirrored to a store."""
    return local_folder() / "runs"
