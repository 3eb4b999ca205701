"""Columns of a CSV or Parquet file that is no corpus: keys as they are written, features as float32."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crossspace.data.foreign.signs import PARQUET, sign_of
from crossspace.data.store.parquet import open_parquet, read_group
from crossspace.errors import DataError, UsageError, suggestion
from crossspace.reading import reading

_EXPECTED = "a table with one row per utterance"


def columns_in(path: Path) -> list[str]:
    """The names of the columns of a file.

    Raises:
        DataError: it cannot be read, or a name occurs twice.
    """
    with reading(path, _EXPECTED):
        names = open_parquet(path).schema_arrow.names if _is_parquet(path) else _head(path)[0]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{path}: each column should have a name of its own. Found {twice[0]!r} more than once.")
    return names


def selected(path: Path, text: str, names: Sequence[str], keys: Collection[str]) -> list[str]:
    """The columns that ``text`` names: joined by ``+``, with ``*`` and ``?`` for any letters; never the keys.

    Raises:
        UsageError: a part names none.
    """
    columns: dict[str, None] = {}
    for part in text.split("+"):
        hits = [n for n in names if n not in keys and fnmatchcase(n, part)] if "*" in part or "?" in part else []
        hits = hits or [name for name in names if name == part]
        if not hits:
            raise UsageError(f"{path} has no column {part!r}. {suggestion(part, names)}")
        columns |= dict.fromkeys(hits)
    return list(columns)


def read_columns(
    path: Path, keys: Mapping[str, str], features: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list], dict[str, np.ndarray]]:
    """Keys and features of all rows, read piece by piece.

    Args:
        path: the file.
        keys: ``{key: column}``; in a CSV file they are text, whatever they look like.
        features: ``{modality: columns}``: columns of numbers, or one column of lists of one length.

    Returns:
        ``{key: values}`` and ``{modality: (N, D)}``; NaN stands where there is nothing.

    Raises:
        DataError: it cannot be read, or a column holds something else.
    """
    keys_of_rows: dict[str, list] = {key: [] for key in keys}
    pieces: dict[str, list[np.ndarray]] = {modality: [] for modality in features}
    columns = list(dict.fromkeys([*keys.values(), *(name for names in features.values() for name in names)]))
    with reading(path, _EXPECTED, "Look at the columns that were named as features.") as place:
        rows = 0
        for block in _blocks(path, columns, set(keys.values())):
            place.at = f"the rows after row {rows}"
            rows += block.num_rows
            for key, name in keys.items():
                keys_of_rows[key] += block[name].to_pylist()
            for modality, names in features.items():
                pieces[modality].append(np.concatenate([_numbers(block[name], name) for name in names], axis=1))
        if not rows:
            raise DataError(f"{path}: {_EXPECTED} is expected. Found no row.")
        return keys_of_rows, {modality: np.concatenate(blocks) for modality, blocks in pieces.items()}


def _blocks(path: Path, columns: list[str], keys: set[str]) -> Iterator[pa.Table]:
    if _is_parquet(path):
        file = open_parquet(path)
        yield from (read_group(file, path, group, columns) for group in range(file.metadata.num_row_groups))
        return
    # A name of its own: csv is the module of the standard library here.
    from pyarrow import csv as reader

    names, delimiter = _head(path)
    # Keys as text: an id 007 would be read as the number 7, and a block of names after one of digits would fail.
    types = {name: pa.string() if name in keys else pa.float32() for name in columns}
    with reader.open_csv(
        path,
        read_options=reader.ReadOptions(column_names=names, skip_rows=1),
        parse_options=reader.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=reader.ConvertOptions(include_columns=columns, column_types=types),
    ) as batches:
        yield from (pa.Table.from_batches([batch]) for batch in batches)


def _is_parquet(path: Path) -> bool:
    return sign_of(path) is PARQUET


def _head(path: Path) -> tuple[list[str], str]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        line = file.readline()
        # Spreadsheets of half of Europe write semicolons, since the comma is in their numbers.
        delimiter = max(",;\t", key=line.count)
        return next(csv.reader([line], delimiter=delimiter), []), delimiter


def _numbers(column: pa.ChunkedArray, name: str) -> np.ndarray:
    """(n, D) float32; D is 1 for a column of numbers."""
    array, kind = column.combine_chunks(), column.type
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
            raise ValueError(f"column {name!r} should hold numbers or lists of numbers, and holds {kind}")
        return array.cast(pa.float32(), safe=False).to_numpy(zero_copy_only=False)[:, None]
    sizes = pc.unique(pc.drop_null(pc.list_value_length(array))).to_pylist()
    if len(sizes) != 1 or not sizes[0]:
        raise ValueError(f"the lists of column {name!r} should all have one length. Found {sorted(sizes)[:5]}")
    rows = np.full((len(array), sizes[0]), np.nan, dtype=np.float32)
    # A null list may hide values in its slot of the buffer: nulls are dropped before anything is flattened.
    flat = pc.list_flatten(pc.drop_null(array)).cast(pa.float32(), safe=False)
    rows[np.asarray(array.is_valid())] = flat.to_numpy(zero_copy_only=False).reshape(-1, sizes[0])
    return rows
