"""A Parquet file on a store: the columns and row groups that are asked for come in few requests, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from crossspace.stores.ranges import GAP, RangeFile, merged

_MOST = 256 * 1024**2
"""Bytes that are fetched before they are decoded."""
_WINDOW = 64 * 1024**2
"""The same where a whole file is read, which is done window by window."""


class RangedParquetFile(pq.ParquetFile):
    """A Parquet file whose column chunks are fetched at the same time, before they are decoded.

    Without it pyarrow asks for every column of every row group alone, one after the other.

    Args:
        source: the file.
        **options: of :class:`pyarrow.parquet.ParquetFile`.
    """

    def __init__(self, source: RangeFile, **options: Any) -> None:
        super().__init__(source, **options)
        self.ranges = source

    def read(self, columns: Sequence[str] | None = None, **options: Any) -> pa.Table:
        """All row groups."""
        tables = [self.read_row_groups(groups, columns, **options) for groups in self._windows(columns)]
        return pa.concat_tables(tables) if tables else super().read(columns=columns, **options)

    def fetch_ahead(self, groups: Iterable[int], columns: Sequence[str]) -> None:
        """Fetch what will be read next, as far as it may be held; it is, until this is called again."""
        ranges, total = [], 0
        for start, stop in (r for group in groups for r in self._chunks(group, columns)):
            total += stop - start
            if total > _MOST:
                break
            ranges.append((start, stop))
        self.ranges.fetch_ahead(ranges)

    def read_row_group(self, i: int, columns: Sequence[str] | None = None, **options: Any) -> pa.Table:
        """One row group."""
        with self._fetched([i], columns):
            return super().read_row_group(i, columns=columns, **options)

    def read_row_groups(
        self, row_groups: Sequence[int], columns: Sequence[str] | None = None, **options: Any
    ) -> pa.Table:
        """Some row groups."""
        with self._fetched(row_groups, columns):
            return super().read_row_groups(row_groups, columns=columns, **options)

    @contextmanager
    def _fetched(self, groups: Iterable[int], columns: Sequence[str] | None) -> Iterator[None]:
        ranges = [r for group in groups for r in self._chunks(group, columns)]
        # More than this is fetched column by column.
        if sum(stop - start for start, stop in ranges) <= _MOST:
            self.ranges.fetch(ranges)
        try:
            yield
        finally:
            self.ranges.forget()

    def _windows(self, columns: Sequence[str] | None) -> Iterator[list[int]]:
        """Row groups that are fetched together, with what stands between them, in memory that has a bound."""
        window: list[int] = []
        filled = 0
        for group in range(self.num_row_groups):
            # At most: what is between two groups comes too only where it is less.
            size = GAP + sum(stop - start for start, stop in merged(self._chunks(group, columns)))
            if window and filled + size > _WINDOW:
                yield window
                window, filled = [], 0
            window.append(group)
            filled += size
        if window:
            yield window

    def _chunks(self, group: int, columns: Sequence[str] | None) -> Iterator[tuple[int, int]]:
        """Where the wanted columns of a row group stand."""
        layout = self.metadata.row_group(group)
        for number in range(layout.num_columns):
            chunk = layout.column(number)
            # A nested column goes by its name and those of its parts.
            path = chunk.path_in_schema
            if columns is None or any(path == name or path.startswith(f"{name}.") for name in columns):
                offsets = [o for o in (chunk.dictionary_page_offset, chunk.data_page_offset) if o is not None and o > 0]
                start = min(offsets, default=0)
                stop = start + chunk.total_compressed_size
                # What the file says of itself may be untrue; the decoder then finds it out.
                if 0 < start < stop <= self.ranges.size:
                    yield start, stop
