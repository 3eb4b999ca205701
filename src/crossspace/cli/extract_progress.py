"""The progress of an extraction on a terminal."""

from __future__ import annotations

import time

from rich.progress import TaskID

from crossspace.cli.progress import Display, counted
from crossspace.features.extraction.corpus import ExtractionProgress


class ExtractProgress(Display):
    """One bar for recordings and one for texts, with rate and time left; lines now and then without a terminal.

    Args:
        hidden: show nothing.
    """

    def __init__(self, hidden: bool = False) -> None:
        super().__init__(*counted(), hidden=hidden, speed_estimate_period=120)
        self._tasks: dict[str, TaskID] = {}
        self._began: dict[str, float] = {}
        self._last = 0.0
        self._before = time.monotonic()

    def show(self, found: ExtractionProgress) -> None:
        """Take note of how far it is."""
        now = time.monotonic()
        if found.stage not in self._tasks:
            self._tasks[found.stage] = self._progress.add_task(found.stage, total=found.total, count="", text="")
            self._began[found.stage] = self._before
        rate = found.done / max(now - self._began[found.stage], 1e-6)
        count = f"{found.done}/{found.total}" + (f", {found.failed} failed" if found.failed else "")
        count += f", {rate:.1f}/s" if found.done < found.total or found.done > 1 else ""
        self._progress.update(self._tasks[found.stage], completed=found.done, count=count, text=found.text)
        self._before = now
        if found.done == found.total or now - self._last > 10:
            left = (found.total - found.done) / rate
            self.line(f"{found.stage}: {count}" + (f", {left:.0f} s left" if found.done < found.total else ""))
            self._last = now
