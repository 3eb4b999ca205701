"""The utterances in a tuple of tables by conversation, row by row, with the place of whatever does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from crossspace.data.foreign.plain import Unfit, integer, label_index, shown, string, vector
from crossspace.data.store.checks import shorten


class Rows:
    """The utterances of a tuple of tables, one after the other, with every fault on the way.

    Attributes:
        conversations: the names of those that belong to a split.
    """

    def __init__(self, tables: Mapping[str, Mapping[Any, Any]], splits: Mapping[str, Sequence[Any]]) -> None:
        self.tables = dict(tables)
        self._faults_by_kind: dict[str, list[str]] = {}
        self._splits = self._placed(splits)
        self.conversations = list(self._splits.values())
        self._keys = list(self._splits)
        # Some files have an empty table of sentences: there are then no texts, which is no fault.
        if not self.tables.get("sentences"):
            self.tables.pop("sentences", None)
        self._counts = self._counted()

    @property
    def faults(self) -> list[str]:
        """What does not fit, with its place; of many of one kind the first."""
        return [fault for kind in self._faults_by_kind.values() for fault in shorten(kind)]

    def _fault(self, place: str, what: str) -> None:
        self._faults_by_kind.setdefault(place.split(",")[0], []).append(f"{place}: {what}")

    def _placed(self, splits: Mapping[str, Sequence[Any]]) -> dict[Any, str]:
        """``{key: name}`` in a fixed order, whatever the order of the sets in the file."""
        self.split_of: dict[str, str] = {}
        named: dict[Any, str] = {}
        for split, keys in splits.items():
            for key in keys:
                name = self._try(string, key, f"conversations of {split}")
                if name in self.split_of and self.split_of[name] != split:
                    self._fault(f"conversation {name!r}", f"stands in both {self.split_of[name]} and {split}")
                if name is not None:
                    named[key], self.split_of[name] = name, split
        # Sets of strings come in another order in every process.
        return dict(sorted(named.items(), key=lambda pair: pair[1]))

    def _counted(self) -> dict[Any, int]:
        counts: dict[Any, int] = {}
        # Labels first: the other tables are held to their numbers of rows.
        for name in ("labels", *self.tables):
            table = self.tables[name]
            missing = [key for key in self._keys if key not in table]
            if missing and name != "sentences":
                self._fault(name, f"nothing for {len(missing)} conversations, such as {missing[0]!r}")
            for key in self._keys:
                if key not in table:
                    continue
                place, rows = f"{name}, conversation {key!r}", table[key]
                if not isinstance(rows, (list, tuple, np.ndarray)) or (isinstance(rows, np.ndarray) and not rows.ndim):
                    self._fault(place, f"a list of rows is expected, found {shown(rows)}")
                elif len(rows) != counts.setdefault(key, len(rows)):
                    self._fault(place, f"should have {counts[key]} rows, as many as labels. Found {len(rows)}")
        return counts

    def left_out(self) -> str:
        """A clause on conversations that stand in no split."""
        others = len(set(self.tables["labels"]) - set(self._keys))
        return f" ({others} conversations of no split left out)" if others else ""

    def speakers(self) -> list[str]:
        """(N,) names; a one-hot row is called ``s<place> of <width>``."""
        return [self._try(_speaker, value, place) or "" for value, place in self._each("speakers")]

    def labels(self) -> list[Any]:
        """(N,) each a number, a name, or ``None``."""
        return [self._try(_number_or_name, value, place) for value, place in self._each("labels")]

    def vectors(self, name: str) -> np.ndarray:
        """(N, D) float32; a row of NaN where there is no vector."""
        placed_rows = [(self._try(vector, value, place), place) for value, place in self._each(name)]
        # The first vector sets the width; without any, rows of one NaN still say that all are missing.
        width = next((len(row) for row, _ in placed_rows if row is not None), 1)
        values = np.full((len(placed_rows), width), np.nan, dtype=np.float32)
        for number, (row, place) in enumerate(placed_rows):
            if row is not None and len(row) != width:
                self._fault(place, f"a vector of {width} is expected, found one of {len(row)}")
            elif row is not None:
                with np.errstate(over="ignore"):  # too large becomes infinite, which is refused with its row
                    values[number] = row
        return values

    def columns(self, speakers: list[str], labels: Sequence[str], numbers: Sequence[Any]) -> dict[str, list]:
        """Every column of the index."""
        places = [place for _, place in self._each("labels")]
        pairs = zip(numbers, places, strict=True)
        return {
            "conversation_id": [self._splits[key] for key in self._keys for _ in range(self._counts[key])],
            "position": [position for key in self._keys for position in range(self._counts[key])],
            "split": [self.split_of[self._splits[key]] for key in self._keys for _ in range(self._counts[key])],
            "speaker": speakers,
            "label": [self._try(lambda value: _named(value, labels), value, place) for value, place in pairs],
            "text": self._texts(),
            "utterance_id": self._ids(),
            "start": [None] * len(places),
            "end": [None] * len(places),
        }

    def named(self, table: str, names: Sequence[str]) -> list[str | None]:
        """(N,) what the numbers of a table stand for."""
        values = [(self._try(_number_or_name, value, place), place) for value, place in self._each(table)]
        return [self._try(lambda value: _named(value, names), value, place) for value, place in values]

    def _texts(self) -> list[str | None]:
        texts: list[str | None] = []
        for key in self._keys:
            rows = self.tables.get("sentences", {}).get(key, [None] * self._counts[key])
            for number, value in enumerate(rows):
                place = f"sentences, conversation {key!r}, row {number}"
                texts.append(None if value is None else self._try(string, value, place))
        return texts

    def _ids(self) -> list[str]:
        rows = [(self._splits[key], n) for key in self._keys for n in range(self._counts[key])]
        if "ids" not in self.tables:
            return [f"{conversation}_{n}" for conversation, n in rows]
        names = [self._try(string, value, place) or "" for value, place in self._each("ids")]
        if len(set(names)) < len(names):
            names = [f"{conversation}_{name}" for (conversation, _), name in zip(rows, names, strict=True)]
        # Numbered where even the names within a conversation repeat: an id must belong to one utterance.
        return names if len(set(names)) == len(names) else [f"{conversation}_{n}" for conversation, n in rows]

    def _each(self, name: str) -> list[tuple[Any, str]]:
        return [
            (value, f"{name}, conversation {key!r}, row {number}")
            for key in self._keys
            for number, value in enumerate(self.tables[name][key])
        ]

    def _try(self, read: Callable[[Any], Any], value: Any, place: str) -> Any:
        try:
            return read(value)
        except Unfit as error:
            self._fault(place, str(error))
            return None


def _speaker(value: Any) -> str:
    if isinstance(value, (list, tuple)) or (isinstance(value, np.ndarray) and value.ndim):
        row = vector(value)
        if row is None or sorted(row.tolist()) != [0] * (len(row) - 1) + [1]:
            raise Unfit(f"a name, or a row with a single 1 and zeros, is expected, found {shown(value)}")
        return f"s{int(row.argmax())} of {len(row)}"
    return string(value)


def _number_or_name(value: Any) -> Any:
    if value is None or isinstance(value, (str, bytes)):
        return None if value is None else string(value) or None
    if isinstance(value, (float, np.floating)) and np.isnan(value):
        return None
    return integer(value)


def _named(value: Any, labels: Sequence[str]) -> str | None:
    if value is None or isinstance(value, str):
        return value
    place = label_index(value, len(labels))
    return None if place is None else labels[place]
