"""Tables (CSV, with commas, semicolons or tabs): one row per utterance. MELD's and EmoryNLP's columns are known."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from crossspace.errors import DataError
from crossspace.transcripts.bounds import MOST_CELLS
from crossspace.transcripts.columns import columns_of, cue_of
from crossspace.transcripts.format import Format
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.transcript import Transcript


def header_of(text: str) -> tuple[list[str], str]:
    """The names in the first line of a table, and what stands between them; none where it is no such line."""
    line = text.split("\n", 1)[0]
    # Counted, not sniffed: csv.Sniffer is slow on long lines and guesses letters.
    delimiter = max(",;\t", key=line.count)
    if line.count(delimiter) >= MOST_CELLS:
        return [], delimiter
    try:
        return next(csv.reader([line], delimiter=delimiter), []), delimiter
    except csv.Error:
        return [], delimiter


def rows_of(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """``(number of the line, cells)`` of each row of a table, its head first; empty rows are skipped.

    Raises:
        DataError: it is no table, or a row has more cells than :data:`~.bounds.MOST_CELLS`.
    """
    _, delimiter = header_of(text)
    # Cells are bounded before the reader sees a line: it would make an object of each.
    reader = csv.reader(_slim(text, delimiter, name), delimiter=delimiter)
    try:
        yield from ((reader.line_num, row) for row in reader if row)
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


def parse_csv(text: str, name: str) -> Transcript:
    """The transcript of a table of one conversation.

    Raises:
        DataError: no column holds what was said, there are several conversations, or there is no utterance.
    """
    rows = rows_of(text, name)
    _, head = next(rows, (1, list[str]()))
    columns = columns_of(head)
    if "text" not in columns:
        raise DataError(
            f"{name} should have a column with what was said, called 'text' or 'utterance'. Found the columns "
            f"{listed(head, 20) or 'none'}. Rename that column."
        )
    # Only what is known: as many cells as a head can have, for as many rows, would be the square of the file.
    places = {column: head.index(column) for column in columns.values()}
    entries, unread, conversations = Entries(name), list[str](), set()
    for number, cells in rows:
        row = {column: cells[at] if at < len(cells) else "" for column, at in places.items()}
        cue, faults = cue_of(row, columns)
        unread += [f"line {number}: {fault}" for fault in faults]
        entries.add(f"line {number}", cue)
        conversations.add(tuple(row[columns[p]] for p in ("conversation", "season", "episode") if p in columns))
    if len(conversations) > 1:
        raise DataError(
            f"{name} should hold one conversation. Found {len(conversations)}. For a corpus of many conversations use "
            f"'crossspace extract {name} TARGET.parquet'."
        )
    notes = [f"{len(unread)} times cannot be read and are unknown ({listed(unread)})."] if unread else []
    return tidied(entries, name, notes)


def _is_table(text: str) -> bool:
    columns = columns_of(header_of(text)[0])
    # Two known columns: a first line that happens to say "text" is no head of a table.
    return "text" in columns and len(columns) > 1


TABLE = Format("CSV or TSV", _is_table, parse_csv, (".csv", ".tsv"))
