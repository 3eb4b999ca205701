"""The progress of what is made in parts, on a terminal."""

from __future__ import annotations

import time

from rich.progress import TaskID

from crossspace.cli.progress import Display, counted
from crossspace.engine.progress import PartsProgress


class PartsBar(Display):
    """A bar, with rate and time left; lines now and then without a terminal.

    Args:
        what: is made, such as recordings.
        hidden: show nothing.
    """

    def __init__(self, what: str, hidden: bool = False) -> None:
        super().__init__(*counted(), hidden=hidden, speed_estimate_period=120)
        self.what = what
        self._task: TaskID | None = None
        self._began = self._last = time.monotonic()
        self._has_spoken = False

    def show(self, progress: PartsProgress) -> None:
        """Take note of how far it is."""
        now = time.monotonic()
        if self._task is None:
            self._task = self._progress.add_task(self.what, total=progress.total, count="", text="")
        rate = progress.done / max(now - self._began, 1e-6)
        count = f"{progress.done}/{progress.total}" + (f", {progress.failed} failed" if progress.failed else "")
        count += f", {rate:.1f}/s" if 0 < progress.done < progress.total or progress.done > 1 else ""
        self._progress.update(self._task, completed=progress.done, count=count, text=progress.text)
        if now - self._last > 10 or (self._has_spoken and progress.done == progress.total):
            self._has_spoken = True
            self.line(f"{self.what}: {count}{_left(progress, rate)}{_news(progress)}")
            self._last = now


def _left(progress: PartsProgress, rate: float) -> str:
    # Before the first is done nothing is known of how long the others take.
    if not 0 < progress.done < progress.total:
        return ""
    return f", {(progress.total - progress.done) / rate:.0f} s left"


def _news(progress: PartsProgress) -> str:
    return f", {progress.text}" if ": " in progress.text and progress.done < progress.total else ""
