"""Every way in which the rows of a corpus can fail to hold together, found all at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa

from crossspace.data.names import SPLITS
from crossspace.data.store.schema import INDEX_SCHEMA, RECOGNISED, RECOGNISED_PREFIX, SENTIMENT
from crossspace.errors import DataError, suggestion

_SHOWN = 20
"""Faults of one kind that are spelled out; the rest are counted."""


def refuse(what: object, faults: Sequence[str], advice: str) -> None:
    """Raise one error that lists every fault, when there is any.

    Raises:
        DataError: ``faults`` is not empty.
    """
    if faults:
        listed = "".join(f"\n  - {fault}" for fault in faults)
        raise DataError(f"{what} has {len(faults)} fault{'s' if len(faults) > 1 else ''}:{listed}\n{advice}")


def index_faults(table: pa.Table, labels: Sequence[str] | None, sentiments: Sequence[str] | None = None) -> list[str]:
    """Faults of the columns other than features.

    Args:
        table: rows with the columns of :data:`~crossspace.data.store.schema.INDEX_SCHEMA`, in any order; columns that
            are absent are not looked at.
        labels: the labels that may occur, or ``None`` when that is not known.
        sentiments: the same of the second label.
    """
    names = [*INDEX_SCHEMA.names, SENTIMENT, *(RECOGNISED_PREFIX + what for what in RECOGNISED)]
    columns = {name: table[name].to_pylist() for name in names if name in table.column_names}
    faults: list[str] = []
    for check in (_empty_cells, _duplicate_ids, _order, _split_names, _split_leaks, _times, _confidences):
        faults += shorten(check(columns))
    if labels is not None:
        faults += shorten(_unknown_labels(columns, "label", labels))
    if sentiments is not None:
        faults += shorten(_unknown_labels(columns, SENTIMENT, sentiments))
    return faults


def count_faults(table: pa.Table, conversations: int, utterances: int) -> list[str]:
    """Rows that a file states and lacks, or holds beyond what it states."""
    held = len({name for name in table["conversation_id"].to_pylist() if name})
    counts = [("conversations", conversations, held), ("utterances", utterances, len(table))]
    return [
        f"the metadata count {stated} {what}. Found {there}: some were lost, emptied or added"
        for what, stated, there in counts
        if stated != there
    ]


def feature_faults(modality: str, values: np.ndarray, present: np.ndarray, name: Callable[[int], str]) -> list[str]:
    """Rows (n, D) that are present and hold NaN or infinity; ``name`` turns a row number into an utterance id."""
    # One pass and one number per row: a sum is finite unless a term is not, and float64 sums of float32 never overflow.
    with np.errstate(all="ignore"):
        sums = values.sum(axis=1, dtype=np.float64)
    bad = np.flatnonzero(~np.isfinite(sums) & present)
    return shorten(
        f"utterance {name(row)!r}: {modality} holds {int((~np.isfinite(values[row])).sum())} numbers "
        f"of {values.shape[1]} that are NaN or infinite"
        for row in map(int, bad)
    )


def shorten(faults: Iterable[str]) -> list[str]:
    """The first of many faults of one kind, and how many more there are."""
    faults = list(faults)
    rest = len(faults) - _SHOWN
    return faults if rest <= 0 else [*faults[:_SHOWN], f"... and {rest} more of this kind"]


def _empty_cells(columns: dict[str, list]) -> Iterable[str]:
    for name in ("conversation_id", "utterance_id", "speaker", "position"):
        empty = [row for row, value in enumerate(columns.get(name, ())) if value is None or value == ""]
        if empty:
            more = f" and {len(empty) - 5} more" if len(empty) > 5 else ""
            yield f"column {name!r} is empty in row {', '.join(map(str, empty[:5]))}{more}"


def _duplicate_ids(columns: dict[str, list]) -> Iterable[str]:
    for name, count in Counter(columns.get("utterance_id", ())).items():
        if count > 1 and name:
            yield f"utterance id {name!r} occurs {count} times"


def _order(columns: dict[str, list]) -> Iterable[str]:
    if "conversation_id" not in columns:
        return
    positions: dict[str, list] = defaultdict(list)
    order: list[str] = []
    for row, conversation in enumerate(columns["conversation_id"]):
        if not order or order[-1] != conversation:
            order.append(conversation)
        if "position" in columns:
            positions[conversation].append(columns["position"][row])
    # Empty names are told by another check; here they would only confuse the order.
    named = [c for c in order if c]
    if named != sorted(set(named)):
        scattered = [c for c, count in Counter(named).items() if count > 1]
        where = f" (rows of {scattered[0]!r} stand apart)" if scattered else ""
        yield f"rows are not sorted by conversation_id{where}"
    for conversation, numbers in positions.items():
        if None in numbers or numbers == list(range(len(numbers))):
            continue
        if sorted(numbers) == list(range(len(numbers))):
            yield f"conversation {conversation!r}: rows are not sorted by position"
        else:
            missing = sorted(set(range(len(numbers))) - set(numbers))
            yield (
                f"conversation {conversation!r}: positions should be 0 to {len(numbers) - 1}, each once. "
                f"Missing: {', '.join(map(str, missing[:5]))}{', ...' if len(missing) > 5 else ''}"
            )


def _unknown_labels(columns: dict[str, list], column: str, labels: Sequence[str]) -> Iterable[str]:
    for label, count in Counter(columns.get(column, ())).items():
        if label is not None and label not in labels:
            yield f"{column} {label!r} ({count} utterances) is unknown. {suggestion(label, labels)}"


def _split_names(columns: dict[str, list]) -> Iterable[str]:
    for split, count in Counter(columns.get("split", ())).items():
        if split is not None and split not in SPLITS:
            yield f"split {split!r} ({count} utterances) is unknown. {suggestion(split, SPLITS)}"


def _split_leaks(columns: dict[str, list]) -> Iterable[str]:
    if "split" not in columns or "conversation_id" not in columns:
        return
    splits_by_conversation: dict[str, set] = defaultdict(set)
    for conversation, split in zip(columns["conversation_id"], columns["split"], strict=True):
        splits_by_conversation[conversation].add(split)
    for conversation, splits in splits_by_conversation.items():
        if len(splits) > 1:
            yield f"conversation {conversation!r} stands in several splits: {', '.join(sorted(map(str, splits)))}"


def _times(columns: dict[str, list]) -> Iterable[str]:
    if "start" not in columns or "end" not in columns:
        return
    for row, (start, end) in enumerate(zip(columns["start"], columns["end"], strict=True)):
        times = [t for t in (start, end) if t is not None]
        if not np.isfinite(times).all() or (len(times) == 2 and end < start):
            yield f"row {row}: start {start} and end {end} should be finite seconds, the end not before the start"


def _confidences(columns: dict[str, list]) -> Iterable[str]:
    for name in (RECOGNISED_PREFIX + what for what in RECOGNISED):
        for row, value in enumerate(columns.get(name, ())):
            # A NaN fails the comparison as well.
            if value is not None and not 0 <= value <= 1:
                yield f"row {row}: {name} should be from 0 to 1. Found {value}"
