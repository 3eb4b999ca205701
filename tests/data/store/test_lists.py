"""Lists of a fixed length with nulls are the same by way of lists of any length, which every pyarrow reads."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from crossspace.data.store import lists
from crossspace.data.store.parquet import open_parquet, to_arrays, to_column, writer

WIDTH = 3


def written(path: Path, present: np.ndarray, values: np.ndarray) -> pa.Schema:
    schema = pa.schema({"id": pa.string(), "place": pa.int32(), "vector": pa.list_(pa.float32(), WIDTH)})
    names = pa.array([str(i) for i in range(len(present))])
    with writer(path, schema) as file:
        columns = [names, pa.array(range(len(present)), pa.int32()), to_column(values, present)]
        file.write_table(pa.table(columns, schema=schema))
    return schema


@pytest.mark.parametrize("present", [[1, 1, 1], [0, 1, 0, 1], [0, 0], [1, 0, 0, 0, 1, 1], [0], []])
def test_values_and_what_is_missing_come_back(tmp_path: Path, present: list[int]) -> None:
    there = np.array(present, dtype=bool)
    values = np.arange(len(there) * WIDTH, dtype=np.float32).reshape(-1, WIDTH)
    schema = written(path := tmp_path / "a.parquet", there, values)
    file = open_parquet(path)
    found = lists.read_as_lists(file, path, 0, ["id", "place", "vector"])
    assert found.schema.equals(schema) and found["id"].to_pylist() == [str(i) for i in range(len(there))]
    read, known = to_arrays(found["vector"])
    assert known.tolist() == there.tolist()
    assert np.array_equal(read, values * there[:, None])
    assert lists.read_row_group(file, path, 0, ["vector"]).equals(found.select(["vector"]))


def test_a_null_inside_a_row_stays_one(tmp_path: Path) -> None:
    column = pa.array([[1, None, 3], None], pa.list_(pa.float32(), WIDTH))
    schema = pa.schema({"vector": column.type})
    with writer(path := tmp_path / "a.parquet", schema) as file:
        file.write_table(pa.table([column], schema=schema))
    found = lists.read_as_lists(open_parquet(path), path, 0, ["vector"])
    assert found["vector"].to_pylist() == [[1, None, 3], None]


def test_a_list_of_another_length_than_the_file_says_is_damage() -> None:
    column = pa.chunked_array([pa.array([[1.0, 2.0], None], pa.list_(pa.float32()))])
    with pytest.raises(ValueError, match="a list of 2 numbers where the file says that all have 3"):
        lists._fixed(column, pa.list_(pa.float32(), WIDTH))


def test_other_refusals_of_the_reader_stay(tmp_path: Path) -> None:
    class Refusing:
        def read_row_group(self, *_: object, **__: object) -> None:
            raise pa.ArrowInvalid("something else")

    with pytest.raises(pa.ArrowInvalid, match="something else"):
        lists.read_row_group(Refusing(), tmp_path, 0, [])
