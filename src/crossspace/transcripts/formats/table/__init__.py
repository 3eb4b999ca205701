"""Tables (CSV, with commas, semicolons, bars or tabs): one row per utterance, as MELD and EmoryNLP have them too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, islice

from crossspace.errors import DataError
from crossspace.transcripts.columns import columns_of
from crossspace.transcripts.format import Format, Length
from crossspace.transcripts.formats.table.cells import header_of, rows_of
from crossspace.transcripts.formats.table.layout import SAMPLE, Layout, layout_of
from crossspace.transcripts.rows import PREDICTED, Row, entries_of, row_of
from crossspace.transcripts.tidy import listed, tidied
from crossspace.transcripts.transcript import Transcript
from crossspace.transcripts.units import SECONDS

__all__ = ["TABLE", "header_of", "parse_csv", "rows_of"]

_COUNTS = {"", "#", "no", "no.", "nr", "nr.", "n", "sr no.", "index", "row", "line", "unnamed: 0", "count"}
"""Names of columns that number the rows, which is nothing to tell."""


def parse_csv(text: str, name: str, length: Length | None = None) -> Transcript:
    """The transcript of a table of one conversation.

    Columns are known by their names; without a head that is known, by what stands in them, which a note tells.

    Raises:
        DataError: no column holds what was said, there are several conversations, or there is no utterance.
    """
    numbered = rows_of(text, name)
    first = list(islice(numbered, SAMPLE))
    layout = layout_of([cells for _, cells in first])
    if "text" not in layout.places:
        head = first[0][1] if first else []
        raise DataError(
            f"{name} should have a column with what was said, called 'text' or 'utterance'. Found the columns "
            f"{listed(head, 20) or 'none'}. Rename that column."
        )
    layout, predicted = _without_predictions(layout)
    body = _Body(layout, header_of(text)[1])
    rows = chain(first[1:] if layout.headed else first, numbered)
    # A table that this package wrote counts seconds.
    entries, notes = entries_of(body.rows(rows), name, SECONDS if predicted else None, length=length)
    if len(body.conversations) > 1:
        raise DataError(
            f"{name} should hold one conversation. Found {len(body.conversations)}. For a corpus of many conversations "
            f"use 'crossspace extract {name} TARGET.parquet'."
        )
    return tidied(entries, name, [*notes, *_notes(layout), *predicted, *body.notes()])


def _without_predictions(layout: Layout) -> tuple[Layout, list[str]]:
    """A label that a model gave, taken for that of a person, would be learnt or counted as true."""
    probabilities = [name for name in layout.names if name.startswith("p_")]
    if "label" not in layout.places or "confidence" not in layout.names or not probabilities:
        return layout, []
    places = {part: at for part, at in layout.places.items() if part != "label"}
    return replace(layout, places=places, unused=()), [PREDICTED]


class _Body:
    """The rows below the head.

    Attributes:
        conversations: by the cells that name them.
    """

    def __init__(self, layout: Layout, delimiter: str) -> None:
        # Only what is known: as many cells as a head can have, for as many rows, would be the square of the file.
        self._places = layout.places
        self._columns = {part: layout.names[at] for part, at in layout.places.items()}
        self._names, self._tiers = layout.names, layout.tiers
        self._width, self._delimiter = len(layout.names), delimiter
        self._ends_with_text = layout.places["text"] == len(layout.names) - 1
        self._long: list[str] = []
        self.conversations: set[tuple[str, ...]] = set()

    def rows(self, numbered: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
        for number, cells in numbered:
            cells = self._fitted(number, cells)
            values = {self._columns[part]: cells[at] if at < len(cells) else "" for part, at in self._places.items()}
            parts = (part for part in ("conversation", "season", "episode") if part in self._columns)
            self.conversations.add(tuple(values[self._columns[part]] for part in parts))
            row = row_of(f"line {number}", values, self._columns)
            said = [(self._names[at], cells[at]) for at in self._tiers if at < len(cells) and cells[at].strip()]
            yield from (replace(row, speaker=tier.strip(), text=text) for tier, text in said) if said else [row]

    def notes(self) -> list[str]:
        if not self._long:
            return []
        done = "taken as parts of what is said" if self._ends_with_text else "the further ones were not read"
        return [f"{len(self._long)} rows have more cells than the head; {done} ({listed(self._long)})."]

    def _fitted(self, number: int, cells: list[str]) -> list[str]:
        """Cells as many as the head has: a sentence at the end of a row often has delimiters and no quotes."""
        if len(cells) <= self._width:
            return cells
        if any(cell.strip() for cell in cells[self._width :]):
            self._long.append(f"line {number}")
        if self._ends_with_text:
            return [*cells[: self._width - 1], self._delimiter.join(cells[self._width - 1 :]).rstrip(self._delimiter)]
        return cells


def _notes(layout: Layout) -> list[str]:
    """What was judged, and what was not used."""
    notes = []
    if layout.tiers:
        tiers = listed([layout.names[at].strip() for at in layout.tiers], 20)
        notes.append(f"Every speaker has a column of their own: {tiers}.")
    elif layout.judged:
        parts = ", ".join(f"{layout.names[layout.places[part]]!r} as {part}" for part in layout.judged)
        notes.append(f"Columns were judged by what stands in them: {parts}.")
    unused = [name for name in layout.unused if name.lower() not in _COUNTS]
    if unused:
        notes.append(f"Columns not used: {listed(unused, 20)}.")
    return notes


_FRAMES = re.compile(r"\d\d:\d\d;\d\d\b")
"""The end of a timecode with dropped frames, ``00:00:01;24``."""


def _is_table(text: str) -> bool:
    head, delimiter = header_of(text)
    columns = columns_of(head)
    # Two known columns: a first line that happens to say "text" is no head of a table.
    if "text" in columns and len(columns) > 1:
        return True
    # A semicolon before frames parts no cells.
    return delimiter in _FRAMES.sub("", text[:1000]) and _is_filled(text, delimiter)


def _is_filled(text: str, delimiter: str) -> bool:
    """Whether rows of as many cells, with times and words in columns of their own, are what a text is made of."""
    # The whole rows of a bounded beginning: a table shows itself there or nowhere.
    begin = text[:20_000]
    begin = begin[: begin.rfind("\n") + 1] if len(text) > len(begin) else begin
    try:
        rows = [cells for _, cells in islice(rows_of(begin, ""), SAMPLE)]
    except DataError:
        return False
    layout = layout_of(rows)
    last = len(layout.names) - 1
    # A number and a comma begin many a sentence.
    if len(rows) < 2 or last < (2 if delimiter == "," else 1):
        return False
    even = sum(len(cells) == last + 1 for cells in rows) >= 0.9 * len(rows)
    return {"text", "start"} <= set(layout.places) and (even or layout.places["text"] == last)


TABLE = Format("CSV or TSV", _is_table, parse_csv, (".csv", ".tsv"), measured=True)
