"""Whether an owner on another machine still lives: its beat changes, or stands still for too long."""

from __future__ import annotations

import time

from crossspace.engine.owner import Owner, newest
from crossspace.stores import Place

PATIENCE = 60.0
"""Seconds, on the clock of whoever watches, without a sign of life, after which an owner is dead."""
_INTERVAL = 1.0
clock, pause = time.monotonic, time.sleep


class Watch:
    """Looks at claims again and again. No clock of another machine is asked: only changes count.

    Args:
        patience: seconds without a change after which an owner is dead; :data:`PATIENCE` when not given.
    """

    def __init__(self, patience: float | None = None) -> None:
        self.patience = PATIENCE if patience is None else patience
        self._seen: dict[Place, tuple[str, float]] = {}

    def is_still(self, folder: Place, owner: Owner) -> bool:
        """Take note of an owner; whether nothing has changed for so long that it is dead."""
        mark, since = self._seen.get(folder, ("", 0.0))
        if mark != owner.mark:
            self._seen[folder] = (owner.mark, clock())
            return self.patience <= 0
        return clock() - since >= self.patience

    def dead_in(self, *folders: Place) -> frozenset[str]:
        """The marks of the dead owners in folders, by which other processes know them too."""
        found = ((folder, newest(folder)) for folder in folders)
        return frozenset(owner.mark for folder, owner in found if owner is not None and self.is_still(folder, owner))


def outwaited(folder: Place, owner: Owner) -> Owner | None:
    """Wait until an owner has given a sign of life, left, or been still for too long; the newest owner then."""
    watch, now = Watch(), newest(folder)
    while now is not None and now.mark == owner.mark and not watch.is_still(folder, now):
        pause(min(_INTERVAL, watch.patience))
        now = newest(folder)
    return now
