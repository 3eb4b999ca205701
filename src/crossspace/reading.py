"""Where an exception of a library becomes a refusal: the one place that decides it, for every file that is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from crossspace import __version__
from crossspace.errors import CrossspaceError, DataError
from crossspace.stores import Where, is_address
from crossspace.stores.faults import asking, is_unavailable

_LONGEST = 300
"""Characters of a foreign message that are repeated: some libraries quote the file."""


@dataclass
class Position:
    """Where in a file a reader is.

    Attributes:
        at: such as ``line 12`` or ``row group 3``; empty while there is nothing to say.
    """

    at: str = ""


@contextmanager
def reading(source: Where, expected: str, advice: str = "Copy or make it again.") -> Iterator[Position]:
    """Whatever goes wrong in the block is the file's fault and becomes a :class:`DataError` that names it.

    A reader need not know which exceptions its libraries raise for a file that is not what it should be: they raise
    nearly any. Errors of our own pass through, since they say more.

    Args:
        source: what is read; repeated in the message.
        expected: what should be there, such as ``a corpus file (Parquet)``.
        advice: what to do next, a sentence.

    Yields:
        a :class:`Position` on which the reader may note how far it is.

    Raises:
        DataError: instead of any exception that is none of our own.
    """
    position = Position()
    try:
        yield position
    except CrossspaceError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"{source}: {expected} is expected here. Found nothing. {advice}") from error
    except Exception as error:
        if is_address(source) and is_unavailable(error):  # the store is at fault, and the file may be whole
            with asking(source):
                raise
        where = f" at {position.at}" if position.at else ""
        raise DataError(
            f"{source}: {expected} is expected. Found damage{where}: {_one_line(error)}. {advice}"
        ) from error


def _one_line(error: Exception) -> str:
    """A foreign message in one line of bearable length."""
    # Its own text is empty or speaks of an allocation that the user never asked for.
    if isinstance(error, MemoryError):
        return "it asks for more memory than there is"
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    text = " ".join(str(error).split()) or type(error).__name__
    shown = text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."
    # Damaged files put lone surrogates into messages, which a terminal cannot print.
    return shown.encode("utf-8", "backslashreplace").decode("utf-8").rstrip(".")


def check_format(found: Any, newest: int, what: str) -> None:
    """Refuse what a later release has written in a form that this one does not know.

    Args:
        found: the number that it states; what states none is of the first form.
        newest: the last that this release reads.
        what: it is, with its name.

    Raises:
        DataError: the number is higher.
    """
    if isinstance(found, int) and not isinstance(found, bool) and found > newest:
        raise DataError(
            f"{what} was written by a newer release of crossspace, in format {found}. This release, {__version__}, "
            f"reads format {newest} and older ones. Update it: pip install --upgrade crossspace"
        )
