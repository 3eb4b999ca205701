"""The progress of a search on a terminal."""

from __future__ import annotations

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from crossspace.cli.progress import Display
from crossspace.tune.search import Progress as Event


class TuneProgress(Display):
    """A bar over the trials with the best score; without a terminal, a line for every finished trial.

    Args:
        total: trials wanted.
        hidden: show nothing.
    """

    def __init__(self, total: int, hidden: bool = False) -> None:
        super().__init__(
            TextColumn("trials"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(compact=True),
            hidden=hidden,
        )
        self._task = self._progress.add_task("", total=total, text="")

    def show(self, event: Event) -> None:
        """Take note of the end of a fold or a trial."""
        best = "none yet" if event.best is None else f"{100 * event.best:.2f}"
        if event.news:
            self.line(f"trial {event.trial}: {event.news} (best {best}), {event.finished}/{event.total}")
        text = f"best {best}; trial {event.trial}, fold {event.fold}/{event.folds}"
        self._progress.update(self._task, completed=min(event.finished, event.total), text=text)
