"""How a request is turned down: one shape for every error, and no path of the server in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossspace.errors import CrossspaceError, MissingExtraError

ENDS = "The server ends. Try again later."
UNEXPECTED = "Something went wrong on the server; its log says what. Trying again is unlikely to help."


class Refusal(CrossspaceError):
    """A request that is not served, and why.

    Args:
        status: of HTTP.
        message: what was expected, what was found, what to do next.
        retry_after: seconds after which trying again makes sense.
    """

    def __init__(self, status: int, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after

    # Exceptions are rebuilt from their message alone otherwise, and this one comes out of a process.
    def __reduce__(self) -> tuple[Any, ...]:
        return _refusal, (self.status, str(self), self.retry_after)


def _refusal(status: int, message: str, retry_after: float | None) -> Refusal:
    return Refusal(status, message, retry_after=retry_after)


def refusal_of(error: CrossspaceError, names: Mapping[str, str] | None = None) -> Refusal:
    """The refusal that a fault found while working amounts to; ``names`` as in :func:`without_paths`."""
    if isinstance(error, Refusal):
        return error
    status = 501 if isinstance(error, MissingExtraError) else 422
    return Refusal(status, without_paths(str(error), names or {}))


def without_paths(text: str, names: Mapping[str, str]) -> str:
    """``text`` with every path of ``names`` replaced by what clients call the thing, the longest first."""
    # A path may begin with another one, which would leave its rest behind.
    for path in sorted(names, key=len, reverse=True):
        text = text.replace(path, names[path])
    return text


def content(message: str) -> dict[str, dict[str, str]]:
    """The body of every error. Lone surrogates, which clients can send and UTF-8 cannot carry, are replaced."""
    return {"error": {"message": message.encode("utf-8", "replace").decode("utf-8")}}
