"""Lists of a fixed length of which some are null: pyarrow 25, the last for Python 3.10, can only write them."""

from __future__ import annotations

import io
from pathlib import Path
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crossspace.data.store.ranged import RangedParquetFile
from crossspace.stores import Place
from crossspace.stores.ranges import RangeFile

OPTIONS = {"page_checksum_verification": True, "pre_buffer": False}
"""How files are read: without checksums, a flipped bit in a page is decoded into other numbers."""
_REFUSAL = "Expected all lists to be of size"
_plain: WeakKeyDictionary[pq.ParquetFile, pq.ParquetFile] = WeakKeyDictionary()


def read_row_group(file: pq.ParquetFile, path: Place, group: int, columns: list[str]) -> pa.Table:
    """``file.read_row_group``, with lists of a fixed length of which some are null.

    Raises:
        pyarrow.ArrowInvalid, OSError, ValueError: the data are damaged.
    """
    try:
        return file.read_row_group(group, columns=columns, use_threads=False)
    except pa.ArrowInvalid as error:
        if _REFUSAL not in str(error):
            raise
        return read_as_lists(file, path, group, columns)


def read_as_lists(file: pq.ParquetFile, path: Place, group: int, columns: list[str]) -> pa.Table:
    """The same, by way of lists of any length, which is what the file holds.

    Raises:
        ValueError: a list has another length than the file says.
    """
    if file not in _plain:
        _plain[file] = _opened(path, _without_types(file.metadata))
    table = _plain[file].read_row_group(group, columns=columns, use_threads=False)
    fields = [file.schema_arrow.field(name) for name in table.column_names]
    arrays = [
        _fixed(array, field.type) if pa.types.is_fixed_size_list(field.type) else array.cast(field.type)
        for array, field in zip(table.columns, fields, strict=True)
    ]
    return pa.table(arrays, schema=pa.schema(fields, file.schema_arrow.metadata))


def _without_types(metadata: pq.FileMetaData) -> pq.FileMetaData:
    """The end of a file as if its writer had not told Arrow's types, by which alone lists have a fixed length."""
    end = io.BytesIO()
    metadata.write_metadata_file(end)
    return pq.read_metadata(io.BytesIO(end.getvalue().replace(b"ARROW:schema", b"arrow:schema")))


def _opened(path: Place, metadata: pq.FileMetaData) -> pq.ParquetFile:
    if isinstance(path, Path):
        return pq.ParquetFile(path, metadata=metadata, **OPTIONS)
    return RangedParquetFile(RangeFile(path), metadata=metadata, **OPTIONS)


def _fixed(column: pa.ChunkedArray, kind: pa.FixedSizeListType) -> pa.FixedSizeListArray:
    lists = column.combine_chunks()
    if isinstance(lists, pa.ChunkedArray):  # some releases leave chunks
        lists = pa.concat_arrays(lists.chunks)
    present = lists.is_valid().to_numpy(zero_copy_only=False)
    lengths = lists.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    wrong = lengths[present & (lengths != kind.list_size)]
    if len(wrong):
        raise ValueError(f"a list of {wrong[0]} numbers where the file says that all have {kind.list_size}")
    # A null list has no numbers in the file, and room for them in memory.
    begins = np.cumsum(present) - 1
    places = begins[:, None] * kind.list_size + np.arange(kind.list_size)
    missing = np.repeat(~present, kind.list_size)
    numbers = lists.flatten().take(pa.array(places.reshape(-1), mask=missing)).cast(kind.value_type)
    return pa.FixedSizeListArray.from_arrays(numbers, kind.list_size, mask=pa.array(~present))
