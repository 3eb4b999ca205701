from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crossspace.data.store.validate import faults


@pytest.fixture
def path(corpus, tmp_path):
    corpus.write(tmp_path / "corpus.parquet")
    return tmp_path / "corpus.parquet"


def change(path, metadata=lambda data: data, **columns):
    """Write the file again with some columns made anew from their values, and other metadata."""
    table = pq.read_table(path)
    described = metadata(json.loads(table.schema.metadata[b"crossspace"]))
    for name, make in columns.items():
        name = name.replace("features_", "features.")
        values = make(table[name].to_pylist())
        if not isinstance(values, pa.Array):
            values = pa.array(values, table.schema.field(name).type)
        table = table.set_column(table.schema.get_field_index(name), name, values)
    keep = None if described is None else {b"crossspace": json.dumps(described).encode()}
    pq.write_table(table.replace_schema_metadata(keep), path)


def put(**values):
    def apply(column):
        for place, value in values.items():
            column[int(place[1:])] = value
        return column

    return apply


def test_a_good_file_and_a_good_corpus_have_no_fault(path, corpus):
    assert faults(path) == []
    assert faults(corpus) == []


def test_every_kind_of_fault_is_reported_at_once(path):
    change(
        path,
        conversation_id=put(_9=None),
        utterance_id=put(_1="dialogue 00 é/0"),
        position=put(_12=100),
        label=put(_20="joyy"),
        split=put(_0="test", _60="trian"),
        start=put(_40=float("nan")),
        features_text=put(_50=[1.0, float("nan"), 1.0, float("inf"), 0.0]),
        speaker=put(_70=""),
    )
    found = "\n".join(faults(path))
    for part in (
        "column 'conversation_id' is empty in row 9",
        "utterance id 'dialogue 00 é/0' occurs 2 times",
        "positions should be 0 to",
        "label 'joyy' (1 utterances) is unknown. Did you mean 'joy'?",
        "split 'trian' (1 utterances) is unknown. Did you mean 'train'",
        "conversation 'dialogue 00 é' stands in several splits: test, train",
        "start nan",
        "text holds 2 numbers of 5 that are NaN or infinite",
        "column 'speaker' is empty in row 70",
    ):
        assert part in found


def test_widths_that_change_are_reported(path):
    def ragged(rows):
        rows[3] = [1.0, 2.0]
        return pa.array(rows, pa.list_(pa.float32()))

    change(path, features_audio=ragged)
    found = "\n".join(faults(path))
    assert "the width of audio changes: 2 (1 utterances), 3 (" in found
    assert "column 'features.audio' should be fixed_size_list" in found


def test_missing_metadata_are_reported_together_with_what_else_is_wrong(path):
    change(path, metadata=lambda data: None, utterance_id=put(_1="dialogue 00 é/0"))
    found = faults(path)
    assert any("metadata under the key 'crossspace' are missing" in fault for fault in found)
    assert any("occurs 2 times" in fault for fault in found)


def test_columns_of_the_wrong_type_are_reported(path):
    change(path, position=lambda values: pa.array(values, pa.int64()), features_text=lambda v: pa.array(["x"] * len(v)))
    found = "\n".join(faults(path))
    assert "'position' should be int32. Found int64" in found
    assert "'features.text' should hold lists of float32. Found string" in found


def test_unsorted_rows_are_reported(path):
    table = pq.read_table(path)
    pq.write_table(table.take(np.arange(len(table))[::-1]), path)
    assert any("not sorted by conversation_id" in fault for fault in faults(path))
    pq.write_table(table.take([1, 0, *range(2, len(table))]), path)
    assert faults(path) == ["conversation 'dialogue 00 é': rows are not sorted by position"]


def test_a_conversation_that_lost_its_rows_is_reported(path):
    table = pq.read_table(path)
    pq.write_table(table.slice(7), path)
    found = "\n".join(faults(path))
    assert "the metadata count 12 conversations. Found 11" in found
    assert "the metadata count 724 utterances. Found 717" in found


def test_content_that_does_not_match_the_fingerprint_is_reported(path):
    change(path, text=put(_3="other"))
    (found,) = faults(path)
    assert "fingerprint" in found


def test_files_that_cannot_be_opened_are_one_fault(path, tmp_path):
    assert "Found nothing" in faults(tmp_path / "none.parquet")[0]
    path.write_bytes(path.read_bytes()[:500])
    assert len(faults(path)) == 1
    assert "truncated" in faults(path)[0]


def test_many_faults_of_one_kind_are_counted(path):
    change(path, label=lambda values: [f"x{i}" for i in range(len(values))])
    found = faults(path)
    assert len(found) == 21
    assert found[-1] == "... and 704 more of this kind"
