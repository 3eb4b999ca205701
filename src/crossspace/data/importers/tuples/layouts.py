"""The tuples of tables by conversation in which the field passes features around: which entry is what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crossspace.data.foreign.plain import shown

SPLIT_FIELDS = {"train": "train", "test": "test", "validation": "validation"}
_VECTORS = ("text", "text 2", "text 3", "text 4", "audio", "visual")
_SCALARS = ("ids", "labels")
_ROBERTA = _VECTORS[:4]


@dataclass(frozen=True)
class TupleLayout:
    """One order of the entries.

    Attributes:
        name: after the work whose code first read it so.
        fields: of each entry: ``ids``, ``speakers``, ``labels``, ``sentiment``, ``sentences``, a kind of vectors, a
            split, or ``-`` for what is not used.
    """

    name: str
    fields: tuple[str, ...]

    @property
    def vectors(self) -> tuple[str, ...]:
        """The kinds of vectors that it has."""
        return tuple(field for field in self.fields if field in _VECTORS)

    def unlike(self, entries: Sequence[Any]) -> str:
        """What speaks against a tuple being in this order; empty if nothing does."""
        if len(entries) != len(self.fields):
            return f"it has {len(self.fields)} entries"
        for place, (field, entry) in enumerate(zip(self.fields, entries, strict=True)):
            fault = _unlike(field, entry)
            if fault:
                return f"entry {place} should be {_WANTED.get(field, 'a table of ' + field)}, found {fault}"
        return ""

    def tables(self, entries: Sequence[Any]) -> dict[str, Mapping[Any, Any]]:
        """``{field: {conversation: rows}}``."""
        named = zip(self.fields, entries, strict=True)
        return {f: e for f, e in named if f not in SPLIT_FIELDS and f != "-" and isinstance(e, Mapping)}

    def splits(self, entries: Sequence[Any]) -> dict[str, list[Any]]:
        """``{split: conversations}``."""
        return {f: list(e) for f, e in zip(self.fields, entries, strict=True) if f in SPLIT_FIELDS}


_SDT = ("ids", "speakers", "labels", *_ROBERTA, "audio", "visual", "sentences", "train", "test")
_RNN = ("ids", "speakers", "labels", "text", "audio", "visual", "sentences", "train", "test")
LAYOUTS = (
    TupleLayout("sdt", _SDT),
    TupleLayout("sdt-meld", (*_SDT, "-")),
    TupleLayout("graphsmile", (*_SDT[:3], "sentiment", *_SDT[3:], "-")),
    TupleLayout("dialoguernn", _RNN),
    TupleLayout(
        "dialoguernn-meld", ("ids", "speakers", "sentiment", "text", "audio", "sentences", "train", "test", "labels")
    ),
    TupleLayout("mmgcn", (*_RNN, "-")),
    TupleLayout("cosmic", ("speakers", "labels", *_ROBERTA, "sentences", "train", "test", "validation")),
    TupleLayout(
        "cosmic-meld", ("speakers", "labels", "sentiment", *_ROBERTA, "sentences", "train", "test", "validation")
    ),
)
"""All that are known. They differ in length, or in which entries are tables, lists, and tables of vectors."""

_WANTED = {
    "ids": "a table of utterance ids by conversation",
    "labels": "a table of labels by conversation",
    "sentiment": "a table of sentiments by conversation",
    "speakers": "a table of speakers by conversation",
    **dict.fromkeys(SPLIT_FIELDS, "a list of conversations"),
    **{field: f"a table of vectors ({field}) by conversation" for field in _VECTORS},
}


def is_list(entry: Any) -> bool:
    """Whether an entry names conversations one after the other."""
    return isinstance(entry, (list, tuple, set, frozenset)) or (isinstance(entry, np.ndarray) and entry.ndim == 1)


def _unlike(field: str, entry: Any) -> str:
    # Sentences need not be there: files without texts hold anything in their place.
    if field in ("-", "sentences"):
        return ""
    if field in SPLIT_FIELDS:
        return "" if is_list(entry) else shown(entry)
    if not isinstance(entry, Mapping):
        return shown(entry)
    if field == "speakers":
        return ""
    # One row is looked at: which order it is can be told from it, and faults of others have better messages later.
    row = _first_row(entry.values())
    is_vector = isinstance(row, (list, tuple)) or (isinstance(row, np.ndarray) and row.ndim > 0)
    if row is not None and is_vector != (field in _VECTORS):
        return f"a table of {'vectors' if is_vector else 'single values'}"
    return ""


def _first_row(columns: Iterable[Any]) -> Any:
    for rows in columns:
        if (
            isinstance(rows, (list, tuple, np.ndarray))
            and (not isinstance(rows, np.ndarray) or rows.ndim)
            and len(rows)
        ):
            return rows[0]
    return None
