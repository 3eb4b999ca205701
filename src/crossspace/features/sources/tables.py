"""CSV files that list recordings or utterances."""

from __future__ import annotations

from crossspace.errors import DataError
from crossspace.stores import Place
from crossspace.transcripts.encoding import read_text
from crossspace.transcripts.formats.table import header_of, rows_of


def columns_in(path: Place) -> list[str]:
    """The names in the head of a CSV file.

    Raises:
        DataError: there is no such file, or it is not text.
    """
    return [name.strip() for name in header_of(read_text(path, str(path), "a CSV file")[0])[0]]


def read_table(path: Place) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows of a CSV file.

    Raises:
        DataError: there is no such file, it is not text or empty, or rows have another length than the head.
    """
    text, _ = read_text(path, str(path), "a CSV file")
    numbered_rows = rows_of(text, str(path))
    columns = [name.strip() for name in next(numbered_rows, (1, list[str]()))[1]]
    cells = [row for _, row in numbered_rows]
    wrong = [number for number, row in enumerate(cells, start=2) if len(row) != len(columns)]
    if wrong:
        raise DataError(
            f"{path}: every row should have {len(columns)} cells. Row {wrong[0]} has another number"
            + (f", as have {len(wrong) - 1} more." if len(wrong) > 1 else ".")
        )
    if not cells:
        raise DataError(f"{path} should be a CSV file with a head and rows. Found no row.")
    return columns, [dict(zip(columns, row, strict=True)) for row in cells]
