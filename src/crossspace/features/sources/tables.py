"""CSV files as people save them, and the damage that they often carry."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

from crossspace.errors import DataError

_C1 = {code: bytes([code]).decode("cp1252", errors="ignore") or None for code in range(0x80, 0xA0)}


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and rows of a CSV file in UTF-8 or Windows-1252.

    Raises:
        DataError: there is no such file, it is empty, or rows are longer than the head.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} should be a CSV file. Found: {error.strerror}.") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    if "\0" in text:
        raise DataError(f"{path} should be a CSV file. Found binary data.")
    reader = csv.DictReader(io.StringIO(text, newline=""))
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


def mended(text: str) -> str:
    """Text without the marks of a wrong encoding.

    Characters U+0080 to U+009F are control codes that nobody writes: they are bytes of Windows-1252 that passed for
    Latin-1, mostly curly quotes.
    """
    return " ".join(text.translate(_C1).split())


def speaker_name(cell: str) -> str:
    """A speaker's name; ``['Monica Geller', 'Ross Geller']`` becomes ``Monica Geller and Ross Geller``."""
    cell = mended(cell)
    if cell.startswith("[") and cell.endswith("]"):
        try:
            names = ast.literal_eval(cell)
        except (ValueError, SyntaxError):
            return cell
        return " and ".join(str(name) for name in names) or "unknown"
    return cell


def seconds(cell: str) -> float | None:
    """``00:16:16,059`` or ``976.059`` as seconds; ``None`` where that is not a time."""
    parts = cell.strip().replace(",", ".").split(":")
    try:
        values = [float(part) for part in parts]
    except ValueError:
        return None
    total = 0.0
    for value in values:
        total = 60 * total + value
    return total if 0 <= total < 1e7 else None
