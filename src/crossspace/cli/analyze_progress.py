"""The progress of an analysis on a terminal."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console

_SECONDS_BETWEEN_LINES = 10.0


class AnalyzeProgress:
    """What is being done and how far, on one line of a terminal; lines now and then without one."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._status = self._console.status("") if self._console.is_terminal else None
        self._last = time.monotonic()

    def __enter__(self) -> AnalyzeProgress:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def show(self, stage: str) -> None:
        """Take note of what is being done."""
        if self._status is not None:
            self._status.update(stage)
        elif time.monotonic() - self._last > _SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            self._console.print(stage, highlight=False, markup=False)
