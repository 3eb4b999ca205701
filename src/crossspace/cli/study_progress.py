"""The progress of a study on a terminal."""

from __future__ import annotations

import time

from rich.progress import TaskID

from crossspace.cli.progress import Display, counted
from crossspace.studies.run import Progress as Standing


class StudyProgress(Display):
    """One bar over all trainings of a study, with the latest news and the time left.

    Without a terminal it prints a line whenever another training has ended.

    Args:
        name: of the study.
        hidden: show nothing.
    """

    def __init__(self, name: str, hidden: bool = False) -> None:
        super().__init__(*counted(), hidden=hidden, speed_estimate_period=600)
        self.name = name
        self._task: TaskID | None = None
        self._said: tuple[int, int, int] | None = None
        self._began, self._at = time.monotonic(), 0.0

    def show(self, found: Standing) -> None:
        """Take note of how the study stands."""
        count = f"{found.done}/{found.total}" + (f", {found.failed} failed" if found.failed else "")
        if self._task is None or found.total != self._progress.tasks[self._task].total:
            self._task = self._progress.add_task(self.name, total=found.total, count=count, text="")
            self._progress.update(self._task, completed=found.completed)
            self._progress.reset(self._task, total=found.total, completed=int(found.completed), count=count, text="")
            self._began, self._at = time.monotonic(), found.completed
        self._progress.update(self._task, completed=found.completed, count=count, text=found.text)
        ended = (found.done, found.failed, found.total)
        if ended != self._said:
            self.line(f"{self.name}: {count}{self._left(found)} {found.text}".rstrip())
        self._said = ended

    def _left(self, found: Standing) -> str:
        gone, share = time.monotonic() - self._began, found.completed - self._at
        if share <= 0 or found.completed >= found.total:
            return ""
        minutes, seconds = divmod(round(gone * (found.total - found.completed) / share), 60)
        return f", {minutes}:{seconds:02d} left,"
