"""The utterances of a corpus without their features: who said what, where, and how it was labelled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crossspace.data.sentiment import implied_indices
from crossspace.data.store.schema import SENTIMENT
from crossspace.data.task import UNLABELLED, TaskSpec

_GROUP_ROWS = 256
_GROUP_ROWS_AT_MOST = 512


class Index:
    """Rows of :data:`~crossspace.data.store.schema.INDEX_SCHEMA`, sorted by conversation and position.

    Attributes:
        table: the rows.
        conversation_ids: (B,) in the order of the rows.
        starts: (B + 1,) first row of every conversation, and N.
    """

    def __init__(self, table: pa.Table) -> None:
        self.table = table.combine_chunks()
        # Codes instead of names: comparing neighbours is then arithmetic, and prepend=-1 starts the first.
        codes = np.asarray(self.table["conversation_id"].combine_chunks().dictionary_encode().indices)
        first = np.flatnonzero(np.diff(codes, prepend=-1)) if len(codes) else np.zeros(0, np.int64)
        self.starts = np.append(first, len(table)).astype(np.int64)
        self.conversation_ids: tuple[str, ...] = tuple(self.table["conversation_id"].take(first).to_pylist())

    def __len__(self) -> int:
        return self.table.num_rows

    def span(self, conversation: int) -> tuple[int, int]:
        """First row of a conversation and the row after its last."""
        return int(self.starts[conversation]), int(self.starts[conversation + 1])

    def rows_of(self, conversations: Iterable[int]) -> np.ndarray:
        """(n,) int64 rows of several conversations, one after the other."""
        spans = [np.arange(*self.span(conversation)) for conversation in conversations]
        return np.concatenate(spans) if spans else np.zeros(0, dtype=np.int64)

    def rows(self, conversation: int) -> list[dict[str, Any]]:
        """The rows of a conversation as dictionaries."""
        start, stop = self.span(conversation)
        return self.table.slice(start, stop - start).to_pylist()

    @cached_property
    def splits(self) -> tuple[str | None, ...]:
        """(B,) split of every conversation, ``None`` where it has none."""
        return tuple(self.table["split"].take(self.starts[:-1]).to_pylist())

    def with_splits(self, splits: tuple[str | None, ...]) -> pa.Table:
        """The table with the split of every conversation replaced."""
        column = pa.array(splits, pa.string()).take(np.repeat(np.arange(len(splits)), np.diff(self.starts)))
        return self.table.set_column(self.table.schema.get_field_index("split"), "split", column)

    def labels(self, spec: TaskSpec) -> np.ndarray:
        """(N,) int64 label index, -100 where unlabelled."""
        indices = pc.index_in(self.table["label"], value_set=pa.array(spec.labels, pa.string()))
        return np.asarray(pc.fill_null(indices, UNLABELLED)).astype(np.int64)

    def sentiments(self, spec: TaskSpec) -> np.ndarray:
        """(N,) int64 index of the sentiment, as stated or else as the label implies it, -100 where there is none."""
        # A last entry for the unlabelled: -100 is clipped to -1 and lands on it.
        implied = np.array([*implied_indices(spec.labels, spec.sentiments, UNLABELLED), UNLABELLED], dtype=np.int64)
        by_label = implied[self.labels(spec).clip(min=-1)]
        if SENTIMENT not in self.table.column_names:
            return by_label
        stated = pc.index_in(self.table[SENTIMENT], value_set=pa.array(spec.sentiments, pa.string()))
        known = np.asarray(pc.fill_null(stated, UNLABELLED)).astype(np.int64)
        return np.where(known == UNLABELLED, by_label, known)

    def speakers(self, spec: TaskSpec) -> np.ndarray:
        """(N,) int64 speaker index, by the corpus's policy."""
        names = self.table["speaker"].to_pylist()
        indices: list[int] = []
        for start, stop in zip(self.starts[:-1], self.starts[1:], strict=True):
            indices += spec.speaker_indices(names[start:stop])
        return np.array(indices, dtype=np.int64)

    def groups(self) -> Iterator[tuple[int, int]]:
        """Spans of rows that are read and written together, see :func:`row_groups`."""
        return row_groups(self.starts)


def row_groups(starts: np.ndarray) -> Iterator[tuple[int, int]]:
    """Spans of rows that cut no conversation: some 256 to 512 rows, more where one conversation alone has more.

    Args:
        starts: (B + 1,) first row of every conversation, and N.
    """
    start = 0
    for first, stop in pairwise(starts):
        if first - start >= _GROUP_ROWS or (first > start and stop - start > _GROUP_ROWS_AT_MOST):
            yield start, int(first)
            start = int(first)
    if start < starts[-1]:
        yield start, int(starts[-1])
