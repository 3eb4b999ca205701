"""The progress of a training on a terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from crossspace.training.event import Event

_SECONDS_BETWEEN_UPDATES = 0.2

Shown = TypeVar("Shown", bound="Display")


class Display:
    """A progress bar on a terminal; elsewhere lines are printed instead.

    Args:
        columns: of the bar.
        hidden: show nothing.
        options: further ones of ``rich.progress.Progress``.
    """

    def __init__(self, *columns: ProgressColumn, hidden: bool = False, **options: Any) -> None:
        self.hidden = hidden
        self._console = Console(stderr=True)
        # A bar in a file or a pipe is thousands of lines.
        self._live = self._console.is_terminal and not hidden
        self._progress = Progress(*columns, console=self._console, disable=not self._live, **options)

    def __enter__(self: Shown) -> Shown:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def line(self, text: str) -> None:
        """Say something where there is no bar."""
        if not self._live and not self.hidden:
            self._console.print(text, highlight=False, markup=False, soft_wrap=True)


def counted() -> tuple[ProgressColumn, ...]:
    """Columns of a task with the fields ``count`` and ``text``."""
    return (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}"),
        TimeRemainingColumn(compact=True, elapsed_when_finished=True),
        TextColumn("{task.fields[text]}"),
    )


class TrainingProgress(Display):
    """A bar over the epochs of a seed with losses, weights and the validation score.

    Without a terminal it prints a line now and then instead.

    Args:
        seeds: how many trainings there will be.
        hidden: show nothing.
    """

    def __init__(self, seeds: int, hidden: bool = False) -> None:
        super().__init__(
            TextColumn("seed {task.fields[seed]}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(compact=True),
            hidden=hidden,
        )
        self.seeds = seeds
        self._tasks: dict[int, TaskID] = {}
        self._scores: dict[int, str] = {}
        self._losses: dict[int, str] = {}
        self._last = 0.0

    def show(self, seed: int, event: Event) -> None:
        """Take note of an event."""
        if self.hidden:
            return
        if seed not in self._tasks:
            self._tasks[seed] = self._progress.add_task("", total=event.epochs, seed=seed, text="")
        record = event.record
        if record["kind"] == "epoch":
            decided = record["scores"]["weighted_f1"]
            self._scores[seed] = (
                f"{record['split']} F1 {100 * decided:.2f}, best {100 * event.best.score:.2f} at {event.best.epoch + 1}"
            )
            self._line(seed, event)
        # Reading losses waits for the device, and nobody reads faster.
        elif time.monotonic() - self._last > _SECONDS_BETWEEN_UPDATES:
            self._losses[seed] = _losses(record)
            self._last = time.monotonic()
        # The event of an epoch comes when it is over, those of steps while it goes on.
        done = event.epoch + (1 if record["kind"] == "epoch" else 0)
        self._progress.update(self._tasks[seed], completed=done, text=self._text(seed))

    def _text(self, seed: int) -> str:
        return f"{self._losses.get(seed, '')} {self._scores.get(seed, '')}".strip()

    def _line(self, seed: int, event: Event) -> None:
        # A log of a cluster should not grow by a line per epoch.
        tenth = max(1, event.epochs // 10)
        if (event.epoch + 1) % tenth == 0 or event.epoch + 1 == event.epochs:
            self.line(f"seed {seed} epoch {event.epoch + 1}/{event.epochs}: {self._scores[seed]}")


def _losses(record: dict[str, Any]) -> str:
    weights = record.get("weights", {})
    shown = [f"{name} {value:.3f} x {weights.get(name, 1.0):.2f}" for name, value in record["losses"].items()]
    return " | ".join(shown)
