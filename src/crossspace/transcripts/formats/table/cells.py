"""The cells of a table, whatever stands between them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice

from crossspace.errors import DataError
from crossspace.transcripts.bounds import MOST_CELLS
from crossspace.transcripts.columns import columns_of
from crossspace.transcripts.spreadsheet import unguarded

_DELIMITERS = "\t;|,"
"""Those that nobody writes for another reason come first: commas stand in sentences and in numbers."""
_BOUNDS = "\\"
"""What stands first in a line of Audacity that gives the frequencies of the label above."""
_LOOKED_AT = 20
"""Lines by which it is judged what stands between cells."""


def header_of(text: str) -> tuple[list[str], str]:
    """The cells of the first line of a table, and what stands between them; none where it is no such line."""
    # Counted, not sniffed: csv.Sniffer is slow on long lines and guesses letters.
    lines = [line for line in islice(io.StringIO(text, newline="\n"), _LOOKED_AT) if line.strip()]
    first = lines[0] if lines and text[:1].strip() else text.split("\n", 1)[0]
    heads = {delimiter: _cells(first, delimiter) for delimiter in _DELIMITERS}
    known = {delimiter: len(columns_of(cells)) for delimiter, cells in heads.items() if len(cells) > 1}
    best = max(known, key=lambda delimiter: known[delimiter], default=",")
    if known.get(best, 0) < 2:
        # Without names that are known: what stands in every line, and most often.
        best = max(_DELIMITERS, key=lambda sign: min((line.count(sign) for line in lines), default=0))
        best = best if all(best in line for line in lines) else max(",;\t|", key=first.count)
    return heads[best], best


def _cells(line: str, delimiter: str) -> list[str]:
    if line.count(delimiter) >= MOST_CELLS:
        return []
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:
        return []


def rows_of(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """``(number of the line, cells)`` of each row of a table, its head first; empty rows are skipped.

    Raises:
        DataError: it is no table, or a row has more cells than :data:`~.bounds.MOST_CELLS`.
    """
    _, delimiter = header_of(text)
    # Cells are bounded before the reader sees a line: it would make an object of each.
    reader = csv.reader(_slim(text, delimiter, name), delimiter=delimiter)
    try:
        yield from ((reader.line_num, [unguarded(cell) for cell in row]) for row in reader if row and row[0] != _BOUNDS)
    except csv.Error as error:
        raise DataError(
            f"{name}, line {reader.line_num}, should be a row of a table. Found: {error}. Mend it."
        ) from error


def _slim(text: str, delimiter: str, name: str) -> Iterator[str]:
    for number, line in enumerate(io.StringIO(text, newline="\n"), start=1):
        # Delimiters inside of quotes count too, which no honest line has by the thousand.
        if line.count(delimiter) >= MOST_CELLS:
            raise DataError(f"{name}, line {number}, should have at most {MOST_CELLS:,} cells. Found more. Mend it.")
        yield line
