"""Which column of a table holds what: known by its name, else by what stands in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from crossspace.transcripts.clock import Amount, amount_of
from crossspace.transcripts.columns import columns_of

Cells = list[str]

SAMPLE = 200
"""Rows by which columns are judged."""
_WIDEST = 50
"""Columns that are looked into: the tables of which names say nothing are narrow."""
_LONGEST_NAME = 40
_SPOKEN = frozenset('.,!?…"“”。，！？')
"""Signs of sentences, which names of columns have none of."""
_FILE = re.compile(r"/|\.\w{2,4}$")


@dataclass(frozen=True)
class Layout:
    """Where the parts of an utterance stand in a row.

    Attributes:
        names: of the columns; ``column 3`` in a table without a head.
        headed: whether the first row is a head.
        places: ``{part: index of the column}``.
        judged: the parts that were judged by what stands in the column.
        unused: names of further columns that are not empty.
        tiers: columns of what each speaker says, where every speaker has one; the first stands as text in ``places``.
    """

    names: tuple[str, ...]
    headed: bool
    places: dict[str, int]
    judged: tuple[str, ...]
    unused: tuple[str, ...]
    tiers: tuple[int, ...] = ()


def layout_of(rows: Sequence[Cells]) -> Layout:
    """The layout of a table by its first rows. A part that neither names nor contents show is not in ``places``."""
    head = rows[0] if rows else []
    headed = _is_head(head, rows[1:])
    if not headed and rows:
        # Sentences at the end of rows have commas that make further cells; a row that breaks off has fewer.
        head = head[: max(sorted(map(len, rows))[len(rows) // 10], 2)]
    names = _names(head, headed)
    places = {part: head.index(column) for part, column in columns_of(head).items()} if headed else {}
    body = rows[1:] if headed else rows
    width = min(len(head), _WIDEST)
    contents = _Contents([[row[at].strip() if at < len(row) else "" for row in body] for at in range(width)])
    by_name = set(places)
    # A head in words that are known names the times and the speaker too, if there are any.
    if not places:
        places |= contents.times()
    tiers = contents.tiers(set(places.values())) if headed and not {"text", "speaker"} & set(places) else ()
    if tiers:
        places["text"] = tiers[0]
    elif "text" not in places and (at := contents.text(set(places.values()), bool(by_name))) is not None:
        places["text"] = at
    if not by_name and not tiers and (at := contents.speaker(set(places.values()))) is not None:
        places["speaker"] = at
    used = {*places.values(), *tiers}
    unused = (name.strip() for at, name in enumerate(names) if at not in used and (at >= width or contents.filled(at)))
    return Layout(names, headed, places, tuple(part for part in places if part not in by_name), tuple(unused), tiers)


def _names(head: Cells, headed: bool) -> tuple[str, ...]:
    """A name of its own for every column."""
    seen: dict[str, int] = {}
    for at, cell in enumerate(head):
        seen.setdefault(cell.strip() if headed else "", at)
    return tuple(
        cell if headed and cell.strip() and seen[cell.strip()] == at else f"column {at + 1}"
        for at, cell in enumerate(head)
    )


def _is_head(head: Cells, body: Sequence[Cells]) -> bool:
    """Whether the first row is unlike speech: known names, or words above times, or words that never return."""
    cells = [cell.strip() for cell in head]
    if any(amount_of(cell) for cell in cells):
        return False
    known = len(columns_of(cells))
    names = all(len(cell.split()) <= 4 and not _SPOKEN & set(cell) for cell in cells)
    if known > 1 or (known and names):
        return True
    if not names or not body:
        return False
    timed = any(all(amount_of(row[at]) for row in body if at < len(row)) for at in range(min(len(head), _WIDEST)))
    below = {(at, cell.strip()) for row in body for at, cell in enumerate(row[:_WIDEST])}
    return timed or not any((at, cell) in below for at, cell in enumerate(cells))


class _Contents:
    """What stands in the columns of a table."""

    def __init__(self, columns: Sequence[Cells]) -> None:
        self._columns = columns
        self._times = {at: times for at, cells in enumerate(columns) if (times := _times_in(cells))}

    def filled(self, at: int) -> bool:
        return any(self._columns[at])

    def times(self) -> dict[str, int]:
        """Where utterances start and end: two columns of the same notation whose second is never before the first,
        else one that rises."""
        pairs = [(a, b) for a in self._times for b in self._times if a < b and _follows(self._times[a], self._times[b])]
        rising = [at for at, times in self._times.items() if _rises(times)]
        best = next((pair for pair in pairs if pair[0] in rising), pairs[0] if pairs else None)
        if best:
            return {"start": best[0], "end": best[1]}
        return {"start": rising[0]} if rising else {}

    def text(self, taken: set[int], named: bool) -> int | None:
        """The column with most words; beside names that are known it must hold sentences."""
        words = {at: _mean_words(self._columns[at]) for at in self._free(taken)}
        best = max(words, key=lambda at: words[at], default=None)
        return best if best is not None and words[best] >= (2 if named else 0.5) else None

    def tiers(self, taken: set[int]) -> tuple[int, ...]:
        """Columns of words of which nearly every row fills one, and each stays empty somewhere."""
        free = [at for at in self._free(taken) if not all(self._columns[at])]
        rows = list(zip(*(self._columns[at] for at in free), strict=True))
        single = sum(sum(map(bool, cells)) == 1 for cells in rows)
        return tuple(free) if len(free) > 1 and single >= 0.8 * len(rows) else ()

    def speaker(self, taken: set[int]) -> int | None:
        """The first column of few short values; one with several before one that is the same in every row."""
        few = []
        for at in self._free(taken):
            cells = [cell for cell in self._columns[at] if cell]
            values = set(cells)
            short = values and all(len(cell) <= _LONGEST_NAME and not _FILE.search(cell) for cell in values)
            if short and len(values) <= max(3, len(cells) // 2):
                few.append((len(values) == 1, at))
        return min(few)[1] if few else None

    def _free(self, taken: set[int]) -> list[int]:
        return [
            at
            for at, cells in enumerate(self._columns)
            if at not in taken and at not in self._times and any(c.isalpha() for cell in cells for c in cell)
        ]


def _times_in(cells: Cells) -> list[Amount]:
    """The times of a column that holds nothing else, but no numbers of rows."""
    times = [amount_of(cell) for cell in cells if cell]
    known = [time for time in times if time is not None]
    if not known or len(known) < len(times) or len(known) < 0.8 * len(cells) or len({t.unit for t in known}) > 1:
        return []
    steps = {b.number - a.number for a, b in pairwise(known)}
    counted = known[0].unit is None and steps == {1.0} and known[0].number in (0, 1)
    return [] if counted else known


def _follows(first: list[Amount], second: list[Amount]) -> bool:
    if len(first) != len(second) or first[0].unit != second[0].unit:
        return False
    after = [b.number - a.number for a, b in zip(first, second, strict=True)]
    return sum(gap >= 0 for gap in after) >= 0.95 * len(after) and sum(gap > 0 for gap in after) > len(after) / 2


def _rises(times: list[Amount]) -> bool:
    steps = [b.number - a.number for a, b in pairwise(times)]
    return sum(step >= 0 for step in steps) >= 0.9 * len(steps) and any(step > 0 for step in steps)


def _mean_words(cells: Cells) -> float:
    return sum(len(cell[:1000].split()) for cell in cells) / max(len(cells), 1)
