from __future__ import annotations

import zipfile

import numpy as np
import pytest

from crossspace.data.importers.arrays import Arrays
from crossspace.errors import DataError

COLUMNS = {"conversation_id": "video", "position": "utt", "label": "y", "split": "set", "text": "words"}


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    return {
        "video": np.array(["b", "a", "b", "a", "c", "d", "d"]),
        "utt": np.array([7, 20, 3, 10, 1, 5, 2]),
        "y": np.array([1, 0, 1, 1, -1, 0, 0]),
        "set": np.array(["train", "training", "train", "train", "train", "test", "test"]),
        "words": np.array(["b2", "a2", "b1", "a1", "ü “c”", "d2", "d1"]),
        "t": random.normal(size=(7, 4)),
        "v": random.normal(size=(7, 2)).astype(np.float32),
    }


@pytest.fixture
def source(arrays, tmp_path):
    np.savez(tmp_path / "mine.npz", **arrays)
    return tmp_path / "mine.npz"


def importer(**options) -> Arrays:
    given = {"columns": COLUMNS, "features": {"l": "t", "vision": "v"}, "labels": ["no", "yes"]}
    return Arrays(**{**given, **options})


def test_an_array_of_several_vectors_is_one_modality(arrays, tmp_path):
    several = np.random.default_rng(1).normal(size=(7, 3, 2))
    np.savez(tmp_path / "mine.npz", **{**arrays, "t": several, "mood": np.array([*"uuvv", "", "u", "v"])})
    corpus = importer(columns={**COLUMNS, "sentiment": "mood"}).read(tmp_path / "mine.npz")
    assert corpus.spec.widths["text"] == 6 and corpus.spec.vectors == {"text": 3}
    assert corpus.spec.sentiments == ("u", "v")
    utterances = {c.id: c for c in corpus.split("all")}["b"].utterances
    assert np.array_equal(utterances[0].features["text"].reshape(3, 2), several[2].astype(np.float32))
    assert [u.sentiment for u in utterances] == ["v", "u"]


def test_rows_are_sorted_numbered_and_named(source, arrays):
    corpus = importer().read(source)
    everything = {c.id: c for c in corpus.split("all")}
    assert [u.text for u in everything["b"].utterances] == ["b1", "b2"]
    assert [u.id for u in everything["b"].utterances] == ["b_0", "b_1"]
    assert [u.label for u in everything["a"].utterances] == ["yes", "no"]
    assert everything["c"].utterances[0].label is None
    assert everything["a"].utterances[0].speaker == "speaker"
    assert np.array_equal(everything["a"].utterances[0].features["text"], arrays["t"][3].astype(np.float32))
    assert corpus.spec.widths == {"text": 4, "visual": 2}
    assert corpus.spec.labels == ("no", "yes")
    assert corpus.spec.speakers == 1
    assert (corpus.name, corpus.source) == ("mine", "mine.npz")


def test_validation_is_cut_from_train_only_where_there_is_none(source, arrays, tmp_path):
    corpus = importer().read(source)
    assert [len(corpus.split(s)) for s in ("train", "validation", "test")] == [2, 1, 1]
    arrays["set"][4] = "dev"
    np.savez(tmp_path / "with.npz", **arrays)
    assert importer().read(tmp_path / "with.npz").conversation_ids("validation") == ["c"]


def test_without_a_split_array_no_conversation_has_a_split(source):
    columns = {k: v for k, v in COLUMNS.items() if k != "split"}
    corpus = importer(columns=columns).read(source)
    assert corpus.splits == ()
    assert len(corpus.split("all")) == 4


def test_a_folder_of_npy_files_is_the_same_corpus(source, arrays, tmp_path):
    (tmp_path / "folder").mkdir()
    for name, array in arrays.items():
        np.save(tmp_path / "folder" / f"{name}.npy", array)
    assert importer().read(tmp_path / "folder").fingerprint == importer().read(source).fingerprint


def test_labels_may_be_names_and_floats(arrays, tmp_path):
    expected = importer()
    arrays["z"] = np.array([1.0, 0, 1, 1, np.nan, 0, 0])
    arrays["n"] = np.array(["yes", "no", "yes", "yes", "", "no", "no"])
    arrays["b"] = np.array([b"yes", b"no", b"yes", b"yes", b"", b"no", b"no"])
    np.savez(tmp_path / "x.npz", **arrays)
    marks = {
        importer(columns={**COLUMNS, "label": name}).read(tmp_path / "x.npz").fingerprint
        for name in ("y", "z", "n", "b")
    }
    assert marks == {expected.read(tmp_path / "x.npz").fingerprint}
    assert importer(labels=None, columns={**COLUMNS, "label": "n"}).read(tmp_path / "x.npz").spec.labels == (
        "no",
        "yes",
    )


def test_rows_of_nan_are_missing_and_rows_of_zeros_when_asked(arrays, tmp_path):
    arrays["t"][1], arrays["v"][2] = np.nan, 0
    np.savez(tmp_path / "x.npz", **arrays)
    assert importer().read(tmp_path / "x.npz").coverage("all") == {"text": 6, "visual": 7}
    assert importer(zero_rows_missing=True).read(tmp_path / "x.npz").coverage("all") == {"text": 6, "visual": 6}


def test_every_fault_of_the_rows_is_named_at_once(arrays, tmp_path):
    arrays["t"][1, 2] = np.nan
    arrays["v"] = arrays["v"].astype(np.float64)
    arrays["v"][0, 0] = 1e300
    arrays["y"][0], arrays["set"][0], arrays["utt"][6] = 5, "test", 5
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError) as caught:
        importer().read(tmp_path / "x.npz")
    for part in (
        "'a_1': text holds 1 numbers of 4",
        "'b_1': visual holds 1",
        "column 'label', row 0: a label from 0 to 1, or -1 for none, is expected, found 5",
        "'b' stands in several",
    ):
        assert part in str(caught.value)
    assert "conversation 'd': position 5 occurs twice" in str(caught.value)


def test_every_fault_of_the_mapping_is_named_at_once_with_near_names(source):
    columns = {"conversation": "video", "label": "yy", "text": "t", "position": "words"}
    with pytest.raises(DataError) as caught:
        importer(columns=columns, features={"text": "tt", "audio": "utt"}).read(source)
    for part in (
        "no column 'conversation'. Did you mean 'conversation_id'",
        "'conversation_id' has no array",
        "no array 'yy'. Did you mean 'y'?",
        "array 't' should have strings of shape (rows,)",
        "array 'words' should have numbers of shape (rows,). Found <U",
        "no array 'tt'. Did you mean",
        "array 'utt' should have numbers of shape (rows, width)",
    ):
        assert part in str(caught.value)


def test_arrays_of_unequal_length_are_named(arrays, tmp_path):
    np.savez(tmp_path / "x.npz", **{**arrays, "t": arrays["t"][:5]})
    with pytest.raises(DataError, match="5 rows in t; 7 rows in set"):
        importer().read(tmp_path / "x.npz")


def test_objects_damage_and_absence_are_refused(arrays, source, tmp_path):
    np.savez(tmp_path / "x.npz", **{**arrays, "words": np.array([1, "a", None, 2, 3, 4, 5], dtype=object)})
    with pytest.raises(DataError, match="no objects"):
        importer().read(tmp_path / "x.npz")
    whole = source.read_bytes()
    source.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="Found a ZIP archive whose end is missing"):
        importer().read(source)
    with pytest.raises(DataError, match="Found nothing"):
        importer().read(tmp_path / "none.npz")


@pytest.mark.parametrize("odd", [1.5, 1e300, -7.0, np.inf, 2.0])
def test_a_label_that_is_none_is_refused_with_its_row(arrays, tmp_path, odd):
    arrays["y"] = np.array([1.0, 0, 1, odd, -1, np.nan, -100])
    np.savez(tmp_path / "x.npz", **arrays)
    with pytest.raises(DataError, match=r"column 'label', row 3: .* is expected, found"):
        importer().read(tmp_path / "x.npz")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("y", np.ones(7, bool), "column 'label': array 'y' should have integers or names"),
        ("y", np.full(7, 2**64 - 1, np.uint64), "row 0: a label from 0 to 1, or -1 for none, is expected"),
        ("y", np.ones(7, complex), "column 'label': array 'y' should have integers or names"),
        ("video", np.ones(7), "column 'conversation_id': array 'video' should have names or integers"),
        ("words", np.arange(7), "column 'text': array 'words' should have strings"),
        ("t", np.ones((7, 4), complex), "modality 'l': array 't' should have numbers"),
        ("t", np.full((7, 4), "1"), "modality 'l': array 't' should have numbers"),
        ("utt", np.array([1, 2, 3, 4, 5, 6, np.inf]), "none of them NaN or infinite"),
        ("utt", np.ones(7, bool), "column 'position': array 'utt' should have numbers"),
    ],
)
def test_arrays_of_another_kind_are_refused(arrays, tmp_path, name, array, message):
    np.savez(tmp_path / "x.npz", **{**arrays, name: array})
    with pytest.raises(DataError, match=message):
        importer().read(tmp_path / "x.npz")


def test_two_arrays_for_one_modality_are_refused(source):
    with pytest.raises(DataError, match="modality 'text' has 2 arrays, under names that mean the same"):
        importer(features={"text": "t", "l": "t"}).read(source)


def _member(header: bytes, data: bytes = b"") -> bytes:
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_member(b"{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999,), }"), "claims 79,999,999,992 bytes"),
        (_member(b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"\0" * 8), "no objects"),
        (_member(b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }"), "its shape is"),
        (_member(b"{'descr': '<f8', 'fortran_order': False, 'shape': (((", b"\0"), "member 't'"),
        (_member(b"{'descr': '<U1', 'fortran_order': False, 'shape': (1,), }", b"\xff" * 4), "text beyond Unicode"),
        (b"no array at all", "member 't'"),
        (b"", "member 't'"),
    ],
)
def test_members_that_are_not_what_they_claim_are_refused_before_they_cost_anything(source, content, message):
    with zipfile.ZipFile(source, "a") as archive:
        archive.writestr("t2.npy", content)
    columns = dict(COLUMNS)
    with pytest.raises(DataError, match=message.replace("'t'", "'t2'")):
        importer(columns=columns, features={"text": "t2"}).read(source)


def test_an_encrypted_or_strangely_packed_archive_and_a_name_twice_are_refused(source):
    whole = source.read_bytes()
    for at, value in ((6, 1), (8, 99)):
        changed = bytearray(whole)
        start = 0
        while (start := changed.find(b"PK\x03\x04", start)) >= 0:
            changed[start + at] = value
            start += 4
        start = 0
        while (start := changed.find(b"PK\x01\x02", start)) >= 0:
            changed[start + at + 2] = value
            start += 4
        source.write_bytes(changed)
        with pytest.raises(DataError, match="Found damage at member 'video': "):
            importer().read(source)
    source.write_bytes(whole)
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(source, "a") as archive:
        archive.writestr("t.npy", b"")
    with pytest.raises(DataError, match="Found 't' twice"):
        importer().read(source)
