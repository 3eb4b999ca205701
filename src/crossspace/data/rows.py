"""Conversation objects turned into the columns of a corpus, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.features import ArrayFeatures, Features
from crossspace.data.index import Index
from crossspace.data.names import split_name
from crossspace.data.store.checks import feature_faults, index_faults, refuse
from crossspace.data.store.schema import (
    ENCODER_PREFIX,
    INDEX_SCHEMA,
    MISSING_PREFIX,
    MODALITY_COLUMNS,
    RECOGNISED,
    RECOGNISED_PREFIX,
    SEEN_PREFIX,
    SENTIMENT,
    recognised_field,
)
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError

BySplit = Mapping[str, Sequence[Conversation]] | Mapping[str | None, Sequence[Conversation]]
"""``{split: conversations}``; the key ``None`` holds conversations without a split."""


def columns_of(conversations: BySplit, spec: TaskSpec) -> tuple[Index, Features]:
    """The index and the features of ``{split: conversations}``, sorted by conversation id.

    Raises:
        DataError: ids repeat, labels or modalities are unknown, vectors have another width or are not finite, a
            conversation is empty or stands in two splits; every fault is named.
    """
    placed = [(None if s is None else split_name(s), c) for s, members in conversations.items() for c in members]
    return _columns(placed, spec.widths, spec)


def part_columns(
    conversations: Sequence[tuple[str | None, Conversation]], widths: Mapping[str, int]
) -> tuple[Index, Features]:
    """The same of ``(split, conversation)`` with whatever labels, of a corpus that is still being made.

    Raises:
        DataError: as :func:`columns_of`, but for labels.
    """
    placed = [(None if s is None else split_name(s), c) for s, c in conversations]
    return _columns(placed, widths, None)


def _columns(
    placed: list[tuple[str | None, Conversation]], widths: Mapping[str, int], spec: TaskSpec | None
) -> tuple[Index, Features]:
    # str: an id of another type is a fault that is named below, not a failure of the sort.
    placed.sort(key=lambda pair: str(pair[1].id))
    faults = [f"conversation {c.id!r} is empty" for _, c in placed if not len(c)]
    ids = [c.id for _, c in placed]
    faults += [f"conversation id {c!r} occurs {ids.count(c)} times" for c in sorted({*_repeated(ids)})]
    table = _table(placed, list(widths))
    # Of a part, ids are those of its source, which may count them anew in each conversation.
    looked_at = table if spec is not None else table.drop_columns("utterance_id")
    faults += index_faults(looked_at, *((spec.labels, spec.sentiments) if spec is not None else (None, None)))
    utterances = [u for _, c in placed for u in c.utterances]
    strange = sorted({m for u in utterances for m in u.features} - set(widths))
    faults += [f"modality {m!r} is unknown; the task has {list(widths)}" for m in strange]
    values, present = {}, {}
    for modality, width in widths.items():
        values[modality], present[modality] = _feature_arrays(utterances, modality, width, faults)
        faults += feature_faults(modality, values[modality], present[modality], lambda row: utterances[row].id)
    refuse("The corpus", faults, "Mend the conversations, then build it again.")
    return Index(table), ArrayFeatures(values, present)


def conversation_at(place: int, index: Index, features: Features) -> Conversation:
    """The conversation at a place of the index, with its utterances and features."""
    # One read per modality, and rows of it below: a read for each utterance would search its row group every time.
    vectors = {m: features.read(m, *index.span(place)) for m in features.widths}
    utterances = [
        Utterance(
            id=row["utterance_id"],
            speaker=row["speaker"],
            text=row["text"],
            start=row["start"],
            end=row["end"],
            label=row["label"],
            sentiment=row.get(SENTIMENT),
            features={m: values[i] for m, (values, present) in vectors.items() if present[i]},
            missing=_behind(MISSING_PREFIX, row),
            recognised=_behind(RECOGNISED_PREFIX, row),
            encoders=_behind(ENCODER_PREFIX, row),
            seen=_behind(SEEN_PREFIX, row),
        )
        for i, row in enumerate(index.rows(place))
    ]
    return Conversation(index.conversation_ids[place], tuple(utterances))


def _behind(prefix: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in the columns whose names begin so, where anything does."""
    return {n.removeprefix(prefix): value for n, value in row.items() if n.startswith(prefix) and value is not None}


def index_table(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Columns as a table of :data:`~crossspace.data.store.schema.INDEX_SCHEMA`, and of sentiments where there are any.

    Raises:
        DataError: a value has another type than its column.
    """
    arrays, fields = [], list(INDEX_SCHEMA)
    if any(value is not None for value in columns.get(SENTIMENT, ())):
        fields.append(pa.field(SENTIMENT, pa.string()))
    for field in fields:
        try:
            arrays.append(pa.array(columns[field.name], field.type))
        except Exception as error:  # of whatever kind: the values are the caller's
            raise DataError(f"Column {field.name!r} should hold {field.type}. Found other values ({error}).") from error
    return pa.table(arrays, schema=pa.schema(fields))


def _table(placed: Sequence[tuple[str | None, Conversation]], modalities: Sequence[str]) -> pa.Table:
    rows = [(c.id, split, position, u) for split, c in placed for position, u in enumerate(c.utterances)]
    columns: dict[str, list] = {
        "conversation_id": [row[0] for row in rows],
        "split": [row[1] for row in rows],
        "position": [row[2] for row in rows],
        "utterance_id": [row[3].id for row in rows],
    }
    for name in ("speaker", "text", "start", "end", "label"):
        columns[name] = [getattr(row[3], name) for row in rows]
    columns[SENTIMENT] = [row[3].sentiment for row in rows]
    table = index_table(columns)
    for what in RECOGNISED:
        sure = [row[3].recognised.get(what) for row in rows]
        if any(value is not None for value in sure):
            table = table.append_column(recognised_field(what), pa.array(sure, pa.float64()))
    for modality in modalities:
        for prefix, column in MODALITY_COLUMNS.items():
            said = [_OF_MODALITY[prefix](row[3]).get(modality) for row in rows]
            if any(value is not None for value in said):
                field = column(modality)
                table = table.append_column(field, pa.array(said, field.type))
    return table


_OF_MODALITY: Mapping[str, Callable[[Utterance], Mapping[str, Any]]] = {
    MISSING_PREFIX: lambda utterance: utterance.missing,
    ENCODER_PREFIX: lambda utterance: utterance.encoders,
    SEEN_PREFIX: lambda utterance: utterance.seen,
}


def _repeated(ids: Sequence[str]) -> set[str]:
    seen: set[str] = set()
    return {c for c in ids if c in seen or seen.add(c)}  # type: ignore[func-returns-value]


def _feature_arrays(
    utterances: Sequence[Utterance], modality: str, width: int, faults: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    values = np.zeros((len(utterances), width), dtype=np.float32)
    present = np.zeros(len(utterances), dtype=bool)
    for row, utterance in enumerate(utterances):
        vector = utterance.features.get(modality)
        if vector is None:
            continue
        if np.shape(vector) != (width,):
            faults.append(
                f"utterance {utterance.id!r}: {modality} should have {width} features. Found shape {np.shape(vector)}"
            )
            continue
        values[row], present[row] = vector, True
    return values, present
