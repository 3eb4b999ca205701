"""Where the trials of a search stand: a file of this machine, a journal that machines share, or a database."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crossspace.errors import CrossspaceError, CrossspaceWarning, UsageError, WritingError
from crossspace.runtime import not_written
from crossspace.tune.mounts import network_type

FILE, JOURNAL = "study.db", "study.log"
_BUSY = 60
"""Seconds to wait for another process that writes."""
NAME = "crossspace"
"""Of the only search in a storage."""
_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")


class Storage(ABC):
    """A place for the trials of a search."""

    @property
    @abstractmethod
    def stated(self) -> str:
        """How ``tune.yaml`` names it; no secret is in it."""

    @property
    def holds_many(self) -> bool:
        """Whether several searches may stand in it, which need names of their own then."""
        return False

    @abstractmethod
    def check(self) -> None:
        """Whether it can be used, before anything is written.

        Raises:
            CrossspaceError: it cannot.
        """

    @abstractmethod
    def open(self) -> Any:
        """Optuna's storage, made if need be."""

    @abstractmethod
    def unusable(self, reason: str) -> CrossspaceError:
        """The refusal where it cannot be opened."""

    @abstractmethod
    def lost(self, reason: str) -> WritingError:
        """The refusal where it can no longer be written."""

    def is_refused(self, error: BaseException) -> bool:
        """Whether opening it once more would fail just as well."""
        return False

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Where the trials can no longer be written down, the search ends with a message.

        Raises:
            WritingError: instead of the errors of the database.
        """
        import optuna
        from sqlalchemy.exc import SQLAlchemyError

        try:
            yield
        except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
            raise self.lost(database_message(error)) from error


@dataclass(frozen=True)
class Sqlite(Storage):
    """A file for the processes of one machine.

    Attributes:
        folder: of the search.
    """

    folder: Path

    @property
    def stated(self) -> str:
        """See :class:`Storage`."""
        return "sqlite"

    def check(self) -> None:
        """Say that it is no file for several machines."""
        kind = network_type(self.folder)
        if kind is not None:
            warnings.warn(
                f"{self.folder} is on a network file system ({kind}). The trials stand there in an SQLite file, which "
                "processes of one machine may share and those of several would damage. For several machines begin the "
                "search with --storage journal, or --storage postgresql://...",
                CrossspaceWarning,
                stacklevel=2,
            )

    def open(self) -> Any:
        """See :class:`Storage`."""
        import optuna

        url = f"sqlite:///{(self.folder / FILE).resolve()}"
        return optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": _BUSY}})

    def unusable(self, reason: str) -> CrossspaceError:
        """See :class:`Storage`."""
        return _no_trials(self.folder / FILE, reason)

    def lost(self, reason: str) -> WritingError:
        """See :class:`Storage`."""
        return not_written(self.folder / FILE, reason)


@dataclass(frozen=True)
class Journal(Storage):
    """A file that is only appended to, for several machines that share a folder.

    Attributes:
        folder: of the search.
    """

    folder: Path

    @property
    def stated(self) -> str:
        """See :class:`Storage`."""
        return "journal"

    def check(self) -> None:
        """Nothing can be wrong with it but the folder."""

    def open(self) -> Any:
        """See :class:`Storage`."""
        from optuna.storages import JournalStorage

        from crossspace.tune.journal import JournalFile

        return JournalStorage(JournalFile(self.folder / JOURNAL))

    def unusable(self, reason: str) -> CrossspaceError:
        """See :class:`Storage`."""
        return _no_trials(self.folder / JOURNAL, reason)

    def lost(self, reason: str) -> WritingError:
        """See :class:`Storage`."""
        return not_written(self.folder / JOURNAL, reason)


def storage_named(name: str, folder: str | Path) -> Storage:
    """The storage with a name: ``sqlite``, ``journal`` or the address of a PostgreSQL database.

    Raises:
        UsageError: there is none of this name.
    """
    if name == "sqlite":
        return Sqlite(Path(folder))
    if name == "journal":
        return Journal(Path(folder))
    if name.partition("://")[0] in _SCHEMES and "://" in name:
        from crossspace.tune.postgres import Postgres

        return Postgres.at(name)
    shown = name.partition("://")[0] + "://..." if "://" in name else name
    raise UsageError(
        "`--storage` should be sqlite, journal (for machines that share the folder) or an address such as "
        f"postgresql://user@host/database. Found {shown!r}."
    )


def _no_trials(path: Path, reason: str) -> CrossspaceError:
    return CrossspaceError(
        f"{path} should hold the trials of a search. Found: {reason}. Free some space if the disk is full; else remove "
        "the folder to begin again."
    )


def database_message(error: BaseException | None) -> str:
    """What the database itself says, without the statement that it was given."""
    lines = [line.strip() for line in str(cause_of(error)).splitlines() if line.strip()]
    return (lines or [""])[0].rstrip(".")


def cause_of(error: BaseException | None) -> BaseException | None:
    """The error of the database under what libraries have made of it."""
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
    # SQLAlchemy keeps the error of the database there.
    return getattr(error, "orig", None) or error
