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

    def show(self, progress: ExtractionProgress) -> None:
        """Take note of how far it is."""
        now = time.monotonic()
        if progress.stage not in self._tasks:
            self._tasks[progress.stage] = self._progress.add_task(
                progress.stage, total=progress.total, count="", text=""
            )
            self._began[progress.stage] = self._before
        # Since this stage began, not the command: texts are much faster than recordings.
        rate = progress.done / max(now - self._began[progress.stage], 1e-6)
        count = f"{progress.done}/{progress.total}" + (f", {progress.failed} failed" if progress.failed else "")
        count += f", {rate:.1f}/s" if 0 < progress.done < progress.total or progress.done > 1 else ""
        self._progress.update(self._tasks[progress.stage], completed=progress.done, count=count, text=progress.text)
        self._before = now
        if progress.done == progress.total or now - self._last > 10:
            self.line(f"{progress.stage}: {count}{_left(progress, rate)}{_news(progress)}")
            self._last = now


def _left(progress: ExtractionProgress, rate: float) -> str:
    # Before the first is done nothing is known of how long the others take.
    if not 0 < progress.done < progress.total:
        return ""
    return f", {(progress.total - progress.done) / rate:.0f} s left"


def _news(progress: ExtractionProgress) -> str:
    return f", {progress.text}" if ": " in progress.text and progress.done < progress.total else ""
