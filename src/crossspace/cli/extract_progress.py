"""The progress of an extraction on a terminal."""

from __future__ import annotations

import time

from rich.progress import TaskID

from crossspace.cli.progress import Display, counted
from crossspace.features.extraction.corpus import Standing


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

    def show(self, standing: Standing) -> None:
        """Take note of how far it is."""
        now = time.monotonic()
        if standing.stage not in self._tasks:
            self._tasks[standing.stage] = self._progress.add_task(
                standing.stage, total=standing.total, count="", text=""
            )
            self._began[standing.stage] = self._before
        # Since this stage began, not the command: texts are much faster than recordings.
        rate = standing.done / max(now - self._began[standing.stage], 1e-6)
        count = f"{standing.done}/{standing.total}" + (f", {standing.failed} failed" if standing.failed else "")
        count += f", {rate:.1f}/s" if standing.done < standing.total or standing.done > 1 else ""
        self._progress.update(self._tasks[standing.stage], completed=standing.done, count=count, text=standing.text)
        self._before = now
        if standing.done == standing.total or now - self._last > 10:
            left = (standing.total - standing.done) / rate
            self.line(f"{standing.stage}: {count}" + (f", {left:.0f} s left" if standing.done < standing.total else ""))
            self._last = now
