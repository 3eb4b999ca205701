"""The progress of several trainings on a terminal."""

from __future__ import annotations

import time

from rich.progress import TaskID

from crossspace.cli.progress import Display, counted
from crossspace.engine.progress import Progress


class TrainingsProgress(Display):
    """One bar over all of them, with the latest news and the time left.

    Without a terminal it prints a line whenever another training has ended.

    Args:
        name: of the study, or of what else is trained.
        hidden: show nothing.
    """

    def __init__(self, name: str, hidden: bool = False) -> None:
        super().__init__(*counted(), hidden=hidden, speed_estimate_period=600)
        self.name = name
        self._task: TaskID | None = None
        self._said: tuple[int, int, int] | None = None
        self._began, self._at = time.monotonic(), 0.0

    def show(self, progress: Progress) -> None:
        """Take note of how far they are."""
        count = f"{progress.done}/{progress.total}" + (f", {progress.failed} failed" if progress.failed else "")
        # The total changes between training and measuring: another bar begins, and with it another speed.
        if self._task is None or progress.total != self._progress.tasks[self._task].total:
            self._task = self._progress.add_task(self.name, total=progress.total, count=count, text="")
            # Before the reset: the first reading is no work of this process, and must not count as speed.
            self._progress.update(self._task, completed=progress.completed)
            self._progress.reset(
                self._task, total=progress.total, completed=int(progress.completed), count=count, text=""
            )
            self._began, self._at = time.monotonic(), progress.completed
        self._progress.update(self._task, completed=progress.completed, count=count, text=progress.text)
        ended = (progress.done, progress.failed, progress.total)
        # Progress within a training is no news where there is no bar.
        if ended != self._said:
            self.line(f"{self.name}: {count}{self._left(progress)} {progress.text}".rstrip())
        self._said = ended

    def _left(self, progress: Progress) -> str:
        elapsed, share = time.monotonic() - self._began, progress.completed - self._at
        # Nothing was done since the beginning, so there is no speed to judge by.
        if share <= 0 or progress.completed >= progress.total:
            return ""
        # Fractions of trainings count, since a study may have fewer trainings than a bar needs points.
        minutes, seconds = divmod(round(elapsed * (progress.total - progress.completed) / share), 60)
        return f", {minutes}:{seconds:02d} left,"
