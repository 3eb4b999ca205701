"""How much a transcript may hold, whatever its size in bytes: many tiny lines cost far more than few long ones."""

from __future__ import annotations

from crossspace.errors import DataError

LARGEST = 20_000_000
"""Bytes. A day of talking is less than a tenth of it."""
MOST_LINES = 500_000
"""A day of captions, one a second, five lines each."""
MOST_ENTRIES = 100_000
"""A day of utterances, more than one a second."""
MOST_CELLS = 10_000
"""Of one row of a table."""
MOST_VALUES = 1_000_000
"""Objects and lists of a JSON file: three words a second for a day, each with its times, are a quarter of it."""

_ENDS = "\n\v\f\x1c\x1d\x1e\x85\u2028\u2029"
"""What :meth:`str.splitlines` takes for the end of a line."""


def check_lines(text: str, name: str) -> None:
    """Raise :class:`DataError` where a text has more than :data:`MOST_LINES` lines."""
    # Counted without splitting: the lines of a hostile file, as objects, would take the memory this is to save.
    lines = sum(map(text.count, _ENDS))
    if lines > MOST_LINES:
        raise DataError(f"{name} should have at most {MOST_LINES:,} lines. Found {lines:,}. Cut it into parts.")


def too_many_entries(name: str) -> DataError:
    """What is said of a transcript with more than :data:`MOST_ENTRIES` utterances."""
    return DataError(f"{name} should hold at most {MOST_ENTRIES:,} utterances. Found more. Cut it into parts.")
