"""Which trials of a shared search belong to a process that is still alive."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path

from crossspace.runtime import write_text

BEAT = 5.0
"""Seconds between two signs of life, at least."""
SILENCE = 600.0
"""Seconds without a sign of life after which a process elsewhere, or one without a number, is taken for dead."""
_OWNER = "owner.json"


class Owner:
    """Marks a trial as this process's own and gives signs of life.

    Args:
        folder: of the trial.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / _OWNER
        folder.mkdir(parents=True, exist_ok=True)
        write_text(self._file, json.dumps({"host": socket.gethostname(), "process": os.getpid()}) + "\n")
        self._last = time.monotonic()

    def beat(self) -> None:
        """Give a sign of life, unless the last one is recent."""
        if time.monotonic() - self._last >= BEAT:
            self._file.touch()
            self._last = time.monotonic()


def is_alive(folder: Path, begun: float) -> bool:
    """Whether the trial with this folder, begun at this time (seconds since 1970), is still being worked on.

    A process of this machine is looked up by its number; one of another machine, or a number that another process
    has taken over meanwhile, is known by its silence.
    """
    try:
        content = json.loads((folder / _OWNER).read_text(encoding="utf-8"))
        heard = (folder / _OWNER).stat().st_mtime
    except (OSError, ValueError):
        return time.time() - begun < SILENCE
    here = content.get("host") == socket.gethostname()
    if here and os.name == "posix" and not _is_running(int(content.get("process", 0))):
        return False
    return time.time() - heard < SILENCE


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
