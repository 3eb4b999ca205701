"""Tables (CSV, with commas, semicolons or tabs): one row per utterance. MELD's and EmoryNLP's columns are known."""

from __future__ import annotations

import csv
import io

from crossspace.errors import DataError
from crossspace.features.transcripts.columns import columns_of, cue_of
from crossspace.features.transcripts.tidy import Entry, listed, tidied
from crossspace.features.transcripts.transcript import Transcript


def header_of(text: str) -> tuple[list[str], str]:
    """The names in the first line of a table, and what stands between them; none where it is no such line."""
    line = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=line.count)
    try:
        return next(csv.reader([line], delimiter=delimiter), []), delimiter
    except csv.Error:
        return [], delimiter


def parse_csv(text: str, name: str) -> Transcript:
    """The transcript of a table of one conversation.

    Raises:
        DataError: no column holds what was said, there are several conversations, or there is no utterance.
    """
    _, delimiter = header_of(text)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    columns = columns_of(reader.fieldnames or ())
    if "text" not in columns:
        raise DataError(
            f"{name} should have a column with what was said, called 'text' or 'utterance'. Found the columns "
            f"{', '.join(reader.fieldnames or ()) or 'none'}. Rename that column."
        )
    entries, unread, conversations = [], [], set()
    try:
        for row in reader:
            place = f"line {reader.line_num}"
            cue, faults = cue_of({key: value if value is not None else "" for key, value in row.items()}, columns)
            unread += [f"{place}: {fault}" for fault in faults]
            entries.append(Entry(place, cue))
            conversations.add(tuple(row.get(columns.get(p, "")) for p in ("conversation", "season", "episode")))
    except csv.Error as error:
        raise DataError(
            f"{name}, line {reader.line_num}, should be a row of a table. Found: {error}. Mend it."
        ) from error
    if len(conversations) > 1:
        raise DataError(
            f"{name} should hold one conversation. Found {len(conversations)}. For a corpus of many conversations use "
            f"'crossspace extract {name} TARGET.parquet'."
        )
    notes = [f"{len(unread)} times cannot be read and are unknown ({listed(unread)})."] if unread else []
    return tidied(entries, name, notes)
