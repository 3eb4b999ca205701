"""The corpus file: Parquet, one row per utterance, with row groups that cut no conversation.

Opening a file reads its index (ids, speakers, texts, labels); feature columns are decoded row group by row group
when somebody asks for their rows, so a corpus may be larger than memory.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crossspace.data.features import Features
from crossspace.data.foreign.signs import refuse_other_kinds
from crossspace.data.index import Index
from crossspace.data.store.checks import count_faults, feature_faults, index_faults, refuse
from crossspace.data.store.fingerprint import fingerprint
from crossspace.data.store.lists import OPTIONS, read_row_group
from crossspace.data.store.metadata import Metadata, Seal, dump, parse
from crossspace.data.store.ranged import RangedParquetFile
from crossspace.data.store.schema import (
    INDEX_SCHEMA,
    METADATA_KEY,
    feature_column,
    feature_field,
    optional_fields,
    same_type,
)
from crossspace.errors import DataError
from crossspace.reading import reading
from crossspace.runtime import replacing
from crossspace.stores import Place, Where, place
from crossspace.stores.ranges import RangeFile

EXPECTED = "a corpus file (Parquet)"
_ADVICE = "Copy it again, or make it with `crossspace data import`."
_WHOLE = "Run `crossspace data validate` for the whole picture, or import the corpus again."
DEFAULT_CACHE = 2 * 1024**3
"""Bytes of decoded features that an open file keeps, 2 GiB: usual corpora are then decoded once."""


class StoredFeatures(Features):
    """Features of an open corpus file, decoded when asked for; the least recently used row groups are forgotten.

    Args:
        path: the file.
        widths: ``{modality: D}``.
        digests: ``{modality: SHA-256}`` as the file states them.
        cache_bytes: how much decoded data is kept.
        file: the same as an open one, which nobody else uses from then on.
    """

    def __init__(
        self,
        path: Place,
        widths: dict[str, int],
        digests: dict[str, str],
        cache_bytes: int,
        file: pq.ParquetFile | None = None,
    ) -> None:
        self.path, self.widths, self.cache_bytes = path, widths, cache_bytes
        self._digests = digests
        self._file = file or open_parquet(path)
        layout = self._file.metadata
        sizes = [layout.row_group(i).num_rows for i in range(layout.num_row_groups)]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        self._cache: OrderedDict[tuple[int, str], tuple[np.ndarray, np.ndarray]] = OrderedDict()
        self._cached = 0
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        # An open file and a lock cannot go to another process; it opens the file anew.
        return StoredFeatures, (self.path, self.widths, self._digests, self.cache_bytes)

    def digests(self) -> dict[str, str]:
        """As the file states them."""
        return dict(self._digests)

    def expect(self, modalities: Collection[str], spans: Sequence[tuple[int, int]]) -> None:
        """Fetch the row groups that hold them, if this file stands on a store."""
        if isinstance(self._file, RangedParquetFile):
            groups = sorted({group for span in spans for group in self._groups(*span)})
            with self._lock, reading(self.path, EXPECTED, _ADVICE):
                missing = [g for g in groups if any((g, m) not in self._cache for m in modalities)]
                self._file.fetch_ahead(missing, [feature_column(m) for m in modalities])

    def read(self, modality: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the row groups that hold them, decoded now or earlier."""
        pieces = []
        for group in self._groups(start, stop):
            values, present = self._group(group, modality)
            window = slice(max(start - self._starts[group], 0), max(stop - self._starts[group], 0))
            pieces.append((values[window], present[window]))
        if len(pieces) == 1:
            return pieces[0]
        return np.concatenate([v for v, _ in pieces]), np.concatenate([p for _, p in pieces])

    def _groups(self, start: int, stop: int) -> range:
        """The row groups in which rows stand."""
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        return range(first, int(np.searchsorted(self._starts, max(stop - 1, start), side="right")))

    def _group(self, group: int, modality: str) -> tuple[np.ndarray, np.ndarray]:
        key = (group, modality)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
            decoded = self._decode(group, modality)
            self._remember(key, decoded)
        return decoded

    def _decode(self, group: int, modality: str) -> tuple[np.ndarray, np.ndarray]:
        column = read_group(self._file, self.path, group, [feature_column(modality)])[0]
        values, present = to_arrays(column)
        faults = feature_faults(modality, values, present, lambda row: self._utterance(group, row))
        refuse(self.path, faults, "Features should be finite numbers; a missing vector is null. Import them again.")
        return values, present

    def _remember(self, key: tuple[int, str], decoded: tuple[np.ndarray, np.ndarray]) -> None:
        size = decoded[0].nbytes + decoded[1].nbytes
        if size > self.cache_bytes:
            return
        self._cache[key] = decoded
        self._cached += size
        while self._cached > self.cache_bytes:
            _, (values, present) = self._cache.popitem(last=False)
            self._cached -= values.nbytes + present.nbytes

    def _utterance(self, group: int, row: int) -> str:
        return read_group(self._file, self.path, group, ["utterance_id"])[0][row].as_py()


def to_arrays(column: pa.FixedSizeListArray | pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """A fixed-size list column as values (N, D) float32 and presence (N,) bool.

    Null rows hold zeros, whatever stands in their slots of the buffer; a null *inside* a row becomes NaN.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    width = column.type.list_size
    # .values ignores the offset of a slice, and flatten() drops the slots of null rows: both would shift rows.
    flat = column.values.slice(column.offset * width, len(column) * width)
    values = flat.to_numpy(zero_copy_only=False).reshape(len(column), width)
    if column.null_count == 0:
        return values, np.ones(len(column), dtype=bool)
    present = column.is_valid().to_numpy(zero_copy_only=False)
    return np.where(present[:, None], values, np.float32(0)), present


def to_column(values: np.ndarray, present: np.ndarray) -> pa.FixedSizeListArray:
    """The inverse of :func:`to_arrays`."""
    flat = pa.array(np.ascontiguousarray(values, dtype=np.float32).reshape(-1))
    mask = None if present.all() else pa.array(~present)
    return pa.FixedSizeListArray.from_arrays(flat, values.shape[1], mask=mask)


def open_parquet(path: Place) -> pq.ParquetFile:
    """Open a Parquet file without reading its rows; on a store, no more of it is fetched than is asked for.

    Raises:
        DataError: there is no such file, it is no Parquet file, or its end is missing.
    """
    with reading(path, EXPECTED, _ADVICE):
        try:
            file = path.open("rb") if isinstance(path, Path) else RangeFile(path)
        except IsADirectoryError as error:
            raise DataError(f"{path}: {EXPECTED} is expected here. Found a folder. {_ADVICE}") from error
        if isinstance(file, RangeFile):
            refuse_other_kinds(path, ("parquet",), EXPECTED, file)
            return RangedParquetFile(file, **OPTIONS)
        with file:
            refuse_other_kinds(path, ("parquet",), EXPECTED, file)
        return pq.ParquetFile(path, **OPTIONS)


def read_group(file: pq.ParquetFile, path: Place, group: int, columns: list[str]) -> pa.Table:
    """Decode the named columns of one row group; checksums of their pages are held against their bytes.

    Raises:
        DataError: the data are damaged.
    """
    with reading(path, EXPECTED, _ADVICE) as position:
        position.at = f"row group {group}, columns {columns}"
        table = read_row_group(file, path, group, columns)
        stated = file.metadata.row_group(group).num_rows
        # pyarrow leaves out a column that it does not know, and says nothing.
        if len(table) != stated or len(table.column_names) != len(columns):
            raise ValueError(f"{len(table)} rows of {table.column_names} where {stated} are stated")
        return table


def open_store(path: Where, cache_bytes: int = DEFAULT_CACHE) -> tuple[Metadata, Seal, Index, StoredFeatures]:
    """Open a corpus file: description, index, and features that are read when needed.

    Raises:
        DataError: the file is missing, truncated, not a corpus file, of a newer format, has columns of other types or
            other numbers of rows than it states, or its rows do not hold together (every fault is named).
    """
    path = place(path)
    file = open_parquet(path)
    with reading(path, EXPECTED, _ADVICE) as position:
        raw = (file.metadata.metadata or {}).get(METADATA_KEY)
        if raw is None:
            raise DataError(
                f"{path}: a corpus file carries metadata under the key 'crossspace'. Found none: this Parquet "
                "file is not a corpus. Import it with `crossspace data import`."
            )
        metadata, seal = parse(raw, path)
        refuse(path, schema_faults(file.schema_arrow, metadata), _WHOLE)
        position.at = "the columns other than features"
        schema = pa.schema([*INDEX_SCHEMA, *optional_fields(file.schema_arrow)])
        table = file.read(columns=schema.names, use_threads=False).cast(schema)
        faults = index_faults(table, metadata.spec.labels, metadata.spec.sentiments)
        faults += count_faults(table, seal.conversations, seal.utterances)
        refuse(path, faults, _WHOLE)
        features = StoredFeatures(path, dict(metadata.spec.widths), dict(seal.features), cache_bytes, file)
        return metadata, seal, Index(table), features


def schema_faults(schema: pa.Schema, metadata: Metadata | None) -> list[str]:
    """Columns that are missing, or of another type than the format and the metadata say."""
    expected = list(INDEX_SCHEMA)
    if metadata is not None:
        expected += [feature_field(m, d) for m, d in metadata.spec.widths.items()]
    faults = [f"column {name!r} occurs {count} times" for name, count in Counter(schema.names).items() if count > 1]
    if faults:
        return faults
    for column in [*expected, *optional_fields(schema)]:
        if column.name not in schema.names:
            faults.append(f"column {column.name!r} ({column.type}) is missing")
        elif not same_type(schema.field(column.name).type, column.type):
            faults.append(f"column {column.name!r} should be {column.type}. Found {schema.field(column.name).type}")
    return faults


def write_store(path: Where, metadata: Metadata, table: pa.Table, features: Features) -> Seal:
    """Write a corpus file row group by row group, whole or not at all.

    Args:
        path: the file; an old one of this name is replaced when the new one is complete.
        metadata: the description of the corpus.
        table: the index with its splits, sorted.
        features: the vectors of its rows.

    Raises:
        CrossspaceError: it could not be written (no space, no permission); what stood there before is unharmed.
    """
    index, widths = Index(table), metadata.spec.widths
    digests = features.digests()
    mark = fingerprint(metadata.content(), [index.table], index.splits, digests)
    seal = Seal(mark, digests, len(index.conversation_ids), len(index))
    schema = pa.schema(
        [*index.table.schema, *(feature_field(m, d) for m, d in widths.items())], {METADATA_KEY: dump(metadata, seal)}
    )
    # The fingerprint had to be known before, as Parquet takes its metadata with the schema.
    with replacing(path) as temporary, writer(temporary, schema) as file:
        for start, stop in index.groups():
            columns = list(table.slice(start, stop - start).columns)
            columns += [to_column(*features.read(m, start, stop)) for m in widths]
            file.write_table(pa.table(columns, schema=schema), row_group_size=stop - start)
    return seal


def writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Writes row groups as all files of this package hold them."""
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        use_dictionary=["split", "label", "speaker"],
        write_statistics=INDEX_SCHEMA.names,
        write_page_checksum=True,
    )
