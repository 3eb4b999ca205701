"""The trials of a search in a PostgreSQL database, which many machines reach."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from crossspace.errors import CrossspaceError, UsageError, WritingError
from crossspace.runtime import optional_import
from crossspace.tune.storage import Storage, cause_of, database_message

_CONNECT = 10
"""Seconds to wait for a server that does not answer."""


@dataclass(frozen=True)
class Postgres(Storage):
    """A database that many machines reach.

    Attributes:
        address: SQLAlchemy's URL, perhaps with a password.
    """

    address: Any = field(repr=False)

    @classmethod
    def at(cls, text: str) -> Postgres:
        """The database with an address such as ``postgresql://user:password@host:5432/database``.

        Raises:
            UsageError: it is no address.
            MissingExtraError: the extra ``postgres`` is not installed.
        """
        for module in ("sqlalchemy", "psycopg"):
            optional_import(module, extra="postgres")
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            address = make_url(text).set(drivername="postgresql+psycopg")
        except (ArgumentError, ValueError):
            # Not repeated: there may be a password in it.
            raise UsageError(
                "`--storage` should be an address such as postgresql://user:password@host:5432/database. Found one "
                "that cannot be read: signs such as @ and / in a password are written %40 and %2F."
            ) from None
        return cls(address)

    @property
    def stated(self) -> str:
        """See :class:`Storage`."""
        query = {key: value for key, value in self.address.query.items() if "password" not in key}
        plain = self.address.set(drivername="postgresql", query=query)
        plain = plain._replace(password=None)
        return str(plain.render_as_string(hide_password=False))

    @property
    def holds_many(self) -> bool:
        """See :class:`Storage`."""
        return True

    def check(self) -> None:
        """Whether the server lets us in."""
        from sqlalchemy import create_engine
        from sqlalchemy.exc import SQLAlchemyError

        engine = create_engine(self.address, **self._options())
        try:
            engine.connect().close()
        except SQLAlchemyError as error:
            raise self.unusable(database_message(error)) from None
        finally:
            engine.dispose()

    def _options(self) -> dict[str, Any]:
        return {"connect_args": {"connect_timeout": _CONNECT}, "pool_pre_ping": True, "hide_parameters": True}

    def open(self) -> Any:
        """See :class:`Storage`."""
        import optuna

        return optuna.storages.RDBStorage(
            self.address.render_as_string(hide_password=False), engine_kwargs=self._options()
        )

    def is_refused(self, error: BaseException) -> bool:
        """Whether the server does not answer, or lets us not in; not where two make the tables at once."""
        import psycopg

        return isinstance(cause_of(error), psycopg.OperationalError)

    def unusable(self, reason: str) -> CrossspaceError:
        """See :class:`Storage`."""
        return CrossspaceError(
            f"{self.stated} should be a PostgreSQL database that can be used. Found: {reason}. Check that the server "
            "runs, and the address, user and password (in --storage, or in PGPASSWORD or ~/.pgpass); then run the same "
            "command again."
        )

    def lost(self, reason: str) -> WritingError:
        """See :class:`Storage`."""
        return WritingError(
            f"The trials can no longer be written to {self.stated}: {reason}. What was saved before is unharmed. Once "
            "the server answers again, run the same command again."
        )
