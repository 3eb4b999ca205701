"""The file of a journal, whose faults are told as those of any file."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

from crossspace.errors import CrossspaceError
from crossspace.runtime import not_written


class JournalFile(JournalFileBackend):
    """Optuna's journal file, under a lock that is a file made if there is none: every shared file system can do that.

    Args:
        path: of the file; made if need be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            super().__init__(str(path), lock_obj=JournalFileOpenLock(str(path)))
        except OSError as error:
            raise not_written(path, error.strerror or str(error)) from error

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """See Optuna."""
        try:
            yield from super().read_logs(log_number_from)
        except (OSError, ValueError) as error:
            raise CrossspaceError(
                f"{self.path} should hold the trials of a search. Found: {error}. Restore it, or remove the folder to "
                "begin again."
            ) from error

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """See Optuna."""
        try:
            super().append_logs(logs)
        except OSError as error:
            raise not_written(self.path, error.strerror or str(error)) from error
