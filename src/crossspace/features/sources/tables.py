"""CSV files that list recordings or utterances."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from crossspace.errors import DataError
from crossspace.features.transcripts.csv_table import header_of
from crossspace.features.transcripts.encoding import read_text


def columns_in(path: Path) -> list[str]:
    """The names in the head of a CSV file.

    Raises:
        DataError: there is no such file, or it is not text.
    """
    return [name.strip() for name in header_of(read_text(path, str(path), "a CSV file")[0])[0]]


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows of a CSV file.

    Raises:
        DataError: there is no such file, it is not text or empty, or rows have another length than the head.
    """
    text, _ = read_text(path, str(path), "a CSV file")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=header_of(text)[1])
    columns = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = columns
    try:
        rows = list(reader)
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: the CSV cannot be read ({error}).") from error
    wrong = [number for number, row in enumerate(rows, start=2) if None in row or None in row.values()]
    if wrong:
        raise DataError(
            f"{path}: every row should have {len(columns)} cells. Row {wrong[0]} has another number"
            + (f", as have {len(wrong) - 1} more." if len(wrong) > 1 else ".")
        )
    if not rows:
        raise DataError(f"{path} should be a CSV file with a head and rows. Found no row.")
    return columns, rows
