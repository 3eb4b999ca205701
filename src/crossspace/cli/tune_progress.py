"""The progress of a search on a terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from crossspace.tune.search import Progress as Event


class TuneProgress:
    """A bar over the trials with the best score; without a terminal, a line for every finished trial.

    Args:
        total: trials wanted.
        hidden: show nothing.
    """

    def __init__(self, total: int, hidden: bool = False) -> None:
        self.hidden = hidden
        self._console = Console(stderr=True)
        self._live = self._console.is_terminal and not hidden
        self._progress = Progress(
            TextColumn("trials"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(compact=True),
            console=self._console,
            disable=not self._live,
        )
        self._task = self._progress.add_task("", total=total, text="")

    def __enter__(self) -> TuneProgress:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Take note of the end of a fold or a trial."""
        if self.hidden:
            return
        best = "none yet" if event.best is None else f"{100 * event.best:.2f}"
        if event.news and not self._live:
            line = f"trial {event.trial}: {event.news} (best {best}), {event.finished}/{event.total}"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)
        text = f"best {best}; trial {event.trial}, fold {event.fold}/{event.folds}"
        self._progress.update(self._task, completed=min(event.finished, event.total), text=text)
