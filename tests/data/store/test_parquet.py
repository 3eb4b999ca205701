from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.batching.collate import batch_of
from crossspace.data.corpus import Corpus
from crossspace.data.store.parquet import to_arrays, to_column
from crossspace.data.store.validate import faults
from crossspace.errors import CrossspaceError, DataError


@pytest.fixture
def path(corpus, tmp_path):
    corpus.write(tmp_path / "corpus.parquet")
    return tmp_path / "corpus.parquet"


def rewrite(path, change=lambda table: table, metadata=lambda data: data):
    """Write a corpus file again with a changed table or changed metadata."""
    table = pq.read_table(path)
    described = metadata(json.loads(table.schema.metadata[b"crossspace"]))
    table = change(table)
    keep = {} if described is None else {b"crossspace": json.dumps(described).encode()}
    pq.write_table(table.replace_schema_metadata(keep), path)


def test_columns_are_those_of_the_format(path):
    schema = pq.read_schema(path)
    assert [f"{f.name}: {f.type}" for f in schema] == [
        "conversation_id: string",
        "utterance_id: string",
        "speaker: string",
        "position: int32",
        "text: string",
        "start: double",
        "end: double",
        "label: string",
        "split: string",
        "features.text: fixed_size_list<element: float>[5]",
        "features.audio: fixed_size_list<element: float>[3]",
    ]
    data = json.loads(pq.ParquetFile(path).metadata.metadata[b"crossspace"])
    assert data["format_version"] == 1
    assert data["labels"] == ["joy", "anger"]
    assert data["speakers"] == {"identities": "local", "slots": 2}
    assert data["modalities"]["text"]["extractor"]["name"] == "words"
    assert (data["conversations"], data["utterances"]) == (12, 724)


def test_rows_are_sorted_and_row_groups_cut_no_conversation(path):
    table = pq.read_table(path).to_pydict()
    rows = list(zip(table["conversation_id"], table["position"], strict=True))
    assert rows == sorted(rows)
    file = pq.ParquetFile(path)
    seen = [
        set(file.read_row_group(i, columns=["conversation_id"])["conversation_id"].to_pylist())
        for i in range(file.num_row_groups)
    ]
    assert len(seen) > 1
    assert sum(map(len, seen)) == len(set.union(*seen))


@pytest.mark.parametrize("cache", [0, 500, 6000, 10**9])
def test_a_corpus_larger_than_the_cache_gives_the_same_batches(corpus, path, cache):
    stored = Corpus.read(path, cache_bytes=cache)
    for indices in ([0, 1, 2], [9, 3, 0], [11], [0, 1, 2], list(range(12))):
        one, other = batch_of(corpus, "all", indices), batch_of(stored, "all", indices)
        assert all(torch.equal(one.features[m], other.features[m]) for m in one.features)
        assert all(torch.equal(one.present[m], other.present[m]) for m in one.present)
        assert stored._features._cached <= cache


def test_a_second_epoch_decodes_nothing(path, monkeypatch):
    stored = Corpus.read(path)
    batch_of(stored, "all", range(12))
    monkeypatch.setattr("crossspace.data.store.parquet.read_group", None)
    batch_of(stored, "all", range(12))


def test_row_groups_of_another_writer_may_cut_conversations(corpus, path):
    table = pq.read_table(path)
    pq.write_table(table, path, row_group_size=17)
    stored = Corpus.read(path)
    assert torch.equal(
        batch_of(stored, "all", [7, 2]).features["text"], batch_of(corpus, "all", [7, 2]).features["text"]
    )
    stored.verify()


def test_strings_with_large_offsets_are_read_too(corpus, path):
    rewrite(path, lambda t: t.set_column(0, "conversation_id", t["conversation_id"].cast(pa.large_string())))
    assert Corpus.read(path).fingerprint == corpus.fingerprint


@settings(max_examples=60)
@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(1, 5), st.data())
def test_columns_and_arrays_are_inverse_also_of_slices(present, width, data):
    present = np.array(present)
    values = np.arange(len(present) * width, dtype=np.float32).reshape(-1, width) + 1
    start = data.draw(st.integers(0, len(present)))
    stop = data.draw(st.integers(start, len(present)))
    column = to_column(values, present)
    for piece in (column.slice(start, stop - start), pa.chunked_array([column]).slice(start, stop - start)):
        found, here = to_arrays(piece)
        assert found.dtype == np.float32
        assert np.array_equal(here, present[start:stop])
        assert np.array_equal(found, np.where(present[:, None], values, 0)[start:stop])


def test_what_stands_in_the_slot_of_a_null_row_is_not_read():
    slots = pa.array([1.0, 2.0, np.nan, 9.0], pa.float32())
    column = pa.FixedSizeListArray.from_arrays(slots, 2, mask=pa.array([False, True]))
    values, present = to_arrays(column)
    assert values.tolist() == [[1, 2], [0, 0]]
    assert present.tolist() == [True, False]


def test_a_null_inside_a_row_is_a_fault(path):
    def change(table):
        rows = table["features.audio"].to_pylist()
        rows[3] = [1.0, None, 2.0]
        return table.set_column(10, "features.audio", pa.array(rows, pa.list_(pa.float32(), 3)))

    rewrite(path, change)
    with pytest.raises(DataError, match=r"audio holds 1 numbers of 3 that are NaN"):
        batch_of(Corpus.read(path), "all", [0])


def test_features_that_are_not_finite_are_refused_when_they_are_read(path):
    def change(table):
        rows = table["features.text"].to_pylist()
        rows[8] = [1.0, np.inf, 2.0, 3.0, np.nan]
        return table.set_column(9, "features.text", pa.array(rows, pa.list_(pa.float32(), 5)))

    rewrite(path, change)
    with pytest.raises(DataError, match=r"utterance 'dialogue 02 é/0': text holds 2 numbers of 5"):
        batch_of(Corpus.read(path), "all", [2])


def test_a_change_after_writing_is_found_by_verify(path):
    rewrite(path, lambda t: t.set_column(4, "text", pa.array(["other"] * len(t))))
    with pytest.raises(DataError, match="the file was changed after it was written"):
        Corpus.read(path).verify()


def test_a_file_that_lost_rows_is_not_opened(path):
    table = pq.read_table(path)
    pq.write_table(table.slice(0, len(table) // 2), path)
    with pytest.raises(DataError, match=r"the metadata count 724 utterances. Found 362: some were lost"):
        Corpus.read(path)


def test_a_column_that_occurs_twice_is_named(path):
    table = pq.read_table(path)
    names = [*table.column_names, "speaker"]
    pq.write_table(
        pa.table([*table.columns, table["text"]], names=names).replace_schema_metadata(table.schema.metadata), path
    )
    with pytest.raises(DataError, match="column 'speaker' occurs 2 times"):
        Corpus.read(path)
    assert faults(path) == ["column 'speaker' occurs 2 times"]


@pytest.mark.parametrize(
    "change",
    [
        {"labels": "joy"},
        {"labels": ["joy", 3]},
        {"conversations": "12"},
        {"speakers": {"identities": "local", "slots": 1.5}},
        {"modalities": {"text": {"width": "5"}}},
        {"modalities": []},
        {"feature_digests": None},
        {"name": None},
    ],
    ids=str,
)
def test_metadata_of_other_types_are_refused(path, change):
    rewrite(path, metadata=lambda data: {**data, **change})
    with pytest.raises(DataError, match=r"JSON metadata under 'crossspace' is expected. Found damage: '\w+' should be"):
        Corpus.read(path)


def test_metadata_nested_beyond_measure_are_refused(path):
    table = pq.read_table(path)
    deep = b'{"format_version": 1, "a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    pq.write_table(table.replace_schema_metadata({b"crossspace": deep}), path)
    with pytest.raises(DataError, match="nested too deeply"):
        Corpus.read(path)
    assert any("nested too deeply" in fault for fault in faults(path))


def test_missing_and_foreign_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"nothing.parquet: a corpus file .* Found nothing"):
        Corpus.read(tmp_path / "nothing.parquet")
    with pytest.raises(DataError, match="Found a folder"):
        Corpus.read(tmp_path)
    (tmp_path / "text").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"Found a table as text \(CSV\). Read it with pandas"):
        Corpus.read(tmp_path / "text")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(DataError, match="Found an empty file"):
        Corpus.read(tmp_path / "empty")
    pq.write_table(pa.table({"x": [1]}), tmp_path / "foreign.parquet")
    with pytest.raises(DataError, match=r"is not a corpus. Import it"):
        Corpus.read(tmp_path / "foreign.parquet")


@pytest.mark.parametrize("part", [0.02, 0.5, 0.9, 0.999])
def test_truncated_files_are_named(path, part):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(DataError, match="end is missing: it is truncated"):
        Corpus.read(path)


def test_damaged_data_are_found_when_they_are_decoded(path):
    whole = bytearray(path.read_bytes())
    column = pq.ParquetFile(path).metadata.row_group(0).column(9)
    place = column.data_page_offset + column.total_compressed_size // 2
    whole[place : place + 8] = b"\xff" * 8
    path.write_bytes(whole)
    with pytest.raises(DataError, match=r"Found damage at row group 0, columns .*CRC checksum"):
        batch_of(Corpus.read(path), "all", [0])


def test_a_newer_format_and_damaged_metadata_are_refused(path):
    original = path.read_bytes()
    rewrite(path, metadata=lambda data: {**data, "format_version": 99})
    with pytest.raises(DataError, match=r"newer release of crossspace, in format 99"):
        Corpus.read(path)
    path.write_bytes(original)
    rewrite(path, metadata=lambda data: {k: v for k, v in data.items() if k != "labels"})
    with pytest.raises(DataError, match=r"'labels' should be there, of type list"):
        Corpus.read(path)
    path.write_bytes(original)
    rewrite(path, metadata=lambda data: [1])
    with pytest.raises(DataError, match="should be JSON with a 'format_version'"):
        Corpus.read(path)


def test_wrong_and_missing_columns_are_named_together(path):
    def change(table):
        table = table.set_column(3, "position", table["position"].cast(pa.int64()))
        return table.drop_columns(["text", "features.audio"])

    rewrite(path, change)
    with pytest.raises(DataError) as caught:
        Corpus.read(path)
    for part in ("'position' should be int32. Found int64", "'text' (string) is missing", "'features.audio'"):
        assert part in str(caught.value)


def test_a_width_that_contradicts_the_metadata_is_refused(path):
    def metadata(data):
        data["modalities"]["text"]["width"] = 6
        return data

    rewrite(path, metadata=metadata)
    with pytest.raises(DataError, match=r"should be fixed_size_list<\w+: float>\[6\]. Found .*\[5\]"):
        Corpus.read(path)


def test_a_failed_write_leaves_the_old_file_as_it_was(corpus, path, monkeypatch):
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_table", full)
    with pytest.raises(CrossspaceError, match="No space left"):
        corpus.with_splits({corpus.conversation_ids("train")[0]: "test"}).write(path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_corpus_can_be_written_over_its_own_file(path):
    stored = Corpus.read(path, cache_bytes=0)
    name = stored.conversation_ids("train")[0]
    stored.with_splits({name: "test"}).write(path)
    assert name in Corpus.read(path).conversation_ids("test")
    Corpus.read(path).verify()
