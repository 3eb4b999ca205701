"""The progress of a training on a terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from crossspace.studies.run import Progress as Standing
from crossspace.training.trainer import Event

_SECONDS_BETWEEN_UPDATES = 0.2


class TrainingProgress:
    """A bar over the epochs of a seed with losses, weights and the validation score.

    Without a terminal it prints a line now and then instead.

    Args:
        seeds: how many trainings there will be.
        hidden: show nothing.
    """

    def __init__(self, seeds: int, hidden: bool = False) -> None:
        self.seeds, self.hidden = seeds, hidden
        self._console = Console(stderr=True)
        self._live = self._console.is_terminal and not hidden
        self._progress = Progress(
            TextColumn("seed {task.fields[seed]}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            disable=not self._live,
        )
        self._tasks: dict[int, TaskID] = {}
        self._score, self._losses = "", ""
        self._last = 0.0

    def __enter__(self) -> TrainingProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, seed: int, event: Event) -> None:
        """Take note of an event."""
        if self.hidden:
            return
        if seed not in self._tasks:
            self._tasks[seed] = self._progress.add_task("", total=event.epochs, seed=seed, text="")
            self._score = self._losses = ""
        record = event.record
        if record["kind"] == "epoch":
            decided = record["validation"]["weighted_f1"]
            self._score = f"F1 {100 * decided:.2f}, best {100 * event.best.score:.2f} at {event.best.epoch + 1}"
            self._line(seed, event)
        elif time.monotonic() - self._last > _SECONDS_BETWEEN_UPDATES:
            self._losses = _losses(record)
            self._last = time.monotonic()
        done = event.epoch + (1 if record["kind"] == "epoch" else 0)
        self._progress.update(self._tasks[seed], completed=done, text=f"{self._losses} {self._score}".strip())

    def _line(self, seed: int, event: Event) -> None:
        tenth = max(1, event.epochs // 10)
        if not self._live and ((event.epoch + 1) % tenth == 0 or event.epoch + 1 == event.epochs):
            self._console.print(f"seed {seed} epoch {event.epoch + 1}/{event.epochs}: {self._score}", highlight=False)


def _losses(record: dict[str, Any]) -> str:
    weights = record.get("weights", {})
    shown = [f"{name} {value:.3f} x {weights.get(name, 1.0):.2f}" for name, value in record["losses"].items()]
    return " | ".join(shown)


class StudyProgress:
    """One bar over all trainings of a study, with the latest news and the time left.

    Without a terminal it prints a line whenever another training has ended.

    Args:
        name: of the study.
        hidden: show nothing.
    """

    def __init__(self, name: str, hidden: bool = False) -> None:
        self.name, self.hidden = name, hidden
        self._console = Console(stderr=True)
        self._live = self._console.is_terminal and not hidden
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[count]}"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("{task.fields[text]}"),
            console=self._console,
            disable=not self._live,
            speed_estimate_period=600,
        )
        self._task: TaskID | None = None
        self._said: tuple[int, int, int] | None = None
        self._began, self._at = time.monotonic(), 0.0

    def __enter__(self) -> StudyProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

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
        if not self._live and not self.hidden and ended != self._said:
            self._console.print(f"{self.name}: {count}{self._left(found)} {found.text}".rstrip(), highlight=False)
        self._said = ended

    def _left(self, found: Standing) -> str:
        gone, share = time.monotonic() - self._began, found.completed - self._at
        if share <= 0 or found.completed >= found.total:
            return ""
        minutes, seconds = divmod(round(gone * (found.total - found.completed) / share), 60)
        return f", {minutes}:{seconds:02d} left,"
