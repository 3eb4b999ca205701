"""Features from elsewhere find the utterances they belong to, and whatever does not fit is told."""

from __future__ import annotations

import csv
import pickle
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.corpus import Corpus
from crossspace.data.features import ArrayFeatures, JoinedFeatures
from crossspace.data.joins.join import join
from crossspace.data.store.validate import faults
from crossspace.data.task import TaskSpec
from crossspace.errors import CrossspaceError, DataError, UsageError


@pytest.fixture
def base() -> Corpus:
    """Three conversations of four utterances with text, in two splits."""
    talks = [
        Conversation(
            f"d{c}",
            tuple(
                Utterance(
                    f"{c}_{k}",
                    "Ann",
                    text=f"t{c}{k}",
                    label="joy",
                    features={"text": np.full(2, 10 * c + k, np.float32)},
                )
                for k in range(4)
            ),
        )
        for c in range(3)
    ]
    extractor = {"text": {"name": "words", "version": "1"}}
    return Corpus({"train": talks[:2], "test": talks[2:]}, TaskSpec(("joy",), {"text": 2}), extractors=extractor)


def ids(corpus: Corpus) -> list[str]:
    return corpus.utterances("all")["utterance_id"].to_pylist()


def vectors(corpus: Corpus, modality: str) -> dict[str, list[float] | None]:
    found = {}
    for conversation in corpus.split("all"):
        for u in conversation.utterances:
            found[u.id] = u.features[modality].tolist() if modality in u.features else None
    return found


Writer = Callable[[Path, Sequence[str], np.ndarray], Path]


def as_npz(folder: Path, names: Sequence[str], values: np.ndarray) -> Path:
    np.savez(folder / "b.npz", utt=np.array(names), sound=values, other=np.zeros(len(names)))
    return folder / "b.npz"


def as_folder(folder: Path, names: Sequence[str], values: np.ndarray) -> Path:
    np.save(folder / "utt.npy", np.array(names))
    np.save(folder / "sound.npy", values)
    return folder


def as_csv(folder: Path, names: Sequence[str], values: np.ndarray) -> Path:
    with open(folder / "b.csv", "w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["utt", *(f"s{i}" for i in range(values.shape[1])), "remark"])
        for name, row in zip(names, values, strict=True):
            writer.writerow([name, *("" if np.isnan(x) else x for x in row), "line one\nline; two"])
    return folder / "b.csv"


def as_lists(folder: Path, names: Sequence[str], values: np.ndarray) -> Path:
    lists = [None if np.isnan(row).all() else row.tolist() for row in values]
    pq.write_table(pa.table({"utt": list(names), "sound": lists}), folder / "b.parquet", row_group_size=3)
    return folder / "b.parquet"


def as_numbers(folder: Path, names: Sequence[str], values: np.ndarray) -> Path:
    columns = {f"s{i}": values[:, i] for i in range(values.shape[1])}
    pq.write_table(pa.table({"utt": list(names), **columns}), folder / "b.parquet", row_group_size=5)
    return folder / "b.parquet"


FORMS = {as_npz: "sound", as_folder: "sound", as_csv: "s0+s?", as_lists: "sound", as_numbers: "s*"}


@pytest.mark.parametrize("write", FORMS)
def test_rows_in_any_order_find_their_utterances_and_the_rest_is_told(
    base: Corpus, tmp_path: Path, write: Writer
) -> None:
    names = [name for name in ids(base) if name not in ("0_1", "2_3")]
    order = np.random.default_rng(0).permutation(len(names))
    shuffled = [names[i] for i in order] + ["9_9", "stranger"]
    values = np.array([[float(i), i + 0.5, 7] for i in order] + [[99, 99, 99]] * 2)
    values[shuffled.index("1_2")] = np.nan
    source = write(tmp_path, shuffled, values)
    made, joining = join(base, source, on={"utterance_id": "utt"}, features={"a": FORMS[write]})
    expected = {name: [i, i + 0.5, 7] for i, name in enumerate(names)} | {"0_1": None, "2_3": None, "1_2": None}
    assert vectors(made, "audio") == expected
    assert joining.modalities == ("audio",) and joining.matched == 10
    assert joining.without_row == ("0_1", "2_3") and joining.without_utterance == ("9_9", "stranger")
    assert any("what made audio is not stated" in note for note in joining.notes)
    missing = {u.id: dict(u.missing) for c in made.split("all") for u in c.utterances if u.missing}
    assert missing == {key: {"audio": f"no row in {source.name}"} for key in ("0_1", "2_3")}
    assert (made.spec.widths, made.conversation_ids("test")) == ({"text": 2, "audio": 3}, ["d2"])
    assert vectors(made, "text") == vectors(base, "text") and made.extractors == base.extractors


def test_a_joined_corpus_is_one_like_any_other_when_it_is_written(base: Corpus, tmp_path: Path) -> None:
    made, _ = join(
        base, as_npz(tmp_path, ids(base)[:7], np.ones((7, 3))), on={"utterance_id": "utt"}, features={"audio": "sound"}
    )
    made.write(tmp_path / "c.parquet")
    found = Corpus.read(tmp_path / "c.parquet")
    assert faults(tmp_path / "c.parquet") == []
    assert vectors(found, "audio") == vectors(made, "audio") and found.coverage("all") == {"text": 12, "audio": 7}
    column = pq.read_table(tmp_path / "c.parquet")["features.audio"]
    assert column.null_count == 5


def test_joining_by_position_asks_for_whole_numbers_and_says_what_was_text(base: Corpus, tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", talk=np.array(["d1"] * 4), at=np.arange(4), sound=np.arange(8.0).reshape(4, 2))
    on = {"conversation_id": "talk", "position": "at"}
    made, joining = join(base, tmp_path / "b.npz", on=on)
    assert vectors(made, "sound")["1_3"] == [6, 7] and joining.matched == 4
    assert joining.without_row[:2] == ("d0:0", "d0:1") and not any("read as" in note for note in joining.notes)
    (tmp_path / "b.csv").write_text("talk,at,f0\nd1,0,5\nd1,03,6\n", encoding="utf-8")
    made, joining = join(base, tmp_path / "b.csv", on=on, features={"audio": "f0"})
    assert vectors(made, "audio")["1_3"] == [6]
    assert "b.csv: 2 values of 'at' were read as numbers to be compared" in joining.notes
    (tmp_path / "b.csv").write_text("talk,at,f0\nd1,0.0,5\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"'at', row 0: an integer is expected, found '0\.0'"):
        join(base, tmp_path / "b.csv", on=on, features={"audio": "f0"})


def numbered(names: Sequence[str]) -> Corpus:
    members = tuple(Utterance(name, "Ann", features={"text": np.ones(1, np.float32)}) for name in names)
    return Corpus({None: [Conversation("d", members)]}, TaskSpec((), {"text": 1}))


def test_ids_that_are_numbers_are_compared_as_text_and_that_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", utterance_id=np.array([7, 8, 10]), sound=np.ones((3, 1)))
    _, joining = join(numbered(["7", "08", "10"]), tmp_path / "b.npz", features={"audio": "sound"})
    assert joining.matched == 2 and joining.without_row == ("08",) and joining.without_utterance == ("8",)
    assert "b.npz: 3 values of 'utterance_id' were written as text to be compared" in joining.notes


def test_ids_of_a_csv_file_keep_their_zeros(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("utterance_id,f0\n007,1\n7,2\nNA,3\n", encoding="utf-8")
    made, joining = join(numbered(["7", "007", "NA"]), tmp_path / "b.csv", features={"audio": "f0"})
    assert vectors(made, "audio") == {"7": [2], "007": [1], "NA": [3]} and joining.matched == 3


def test_fractions_are_no_ids(tmp_path: Path) -> None:
    np.savez(tmp_path / "b.npz", utterance_id=np.array([7.0]), sound=np.ones((1, 1)))
    with pytest.raises(DataError, match=r"row 0: text or an integer is expected, found 7\.0"):
        join(numbered(["7"]), tmp_path / "b.npz")


def test_rows_of_one_key_are_refused(base: Corpus, tmp_path: Path) -> None:
    source = as_npz(tmp_path, ["0_0", "0_1", "0_0"], np.ones((3, 1)))
    with pytest.raises(
        DataError, match=r"each row should have another utterance_id\. 1 occur more than once, such as 0_0"
    ):
        join(base, source, on={"utterance_id": "utt"}, features={"audio": "sound"})


def test_where_nothing_fits_examples_of_both_are_shown(base: Corpus, tmp_path: Path) -> None:
    source = as_npz(tmp_path, ["dia0_utt0", "dia0_utt1"], np.ones((2, 1)))
    with pytest.raises(DataError) as error:
        join(base, source, on={"utterance_id": "utt"}, features={"audio": "sound"})
    assert "such as 0_0, 0_1, 0_2" in str(error.value) and "such as dia0_utt0, dia0_utt1" in str(error.value)


def test_a_corpus_brings_its_extractor_and_its_reasons_and_what_it_says_otherwise_is_told(
    base: Corpus, tmp_path: Path
) -> None:
    members = [
        Utterance("0_0", "Ann", "t00", label="joy", features={"sound": np.ones(3, np.float32)}),
        Utterance("0_1", "Bob", "another text", missing={"sound": "no face"}),
    ]
    made_by = {"name": "prosody", "version": "3", "parameters": {"rate": 16}}
    spec = TaskSpec(("joy",), {"sound": 3, "text": 2})
    other = Corpus({None: [Conversation("x", tuple(members))]}, spec, name="other", extractors={"sound": made_by})
    other.write(tmp_path / "other.parquet")
    for given in (other, tmp_path / "other.parquet"):
        made, joining = join(base, given, features={"audio": "sound"})
        assert made.extractors["audio"] == made_by and set(made.extractors) == {"text", "audio"}
        first = made.split("train")[0].utterances
        assert first[1].missing == {"audio": "no face"} and "audio" in first[0].features
        assert "no row in other" in first[2].missing["audio"]
        told = " ".join(joining.notes)
        assert "1 of 2 utterances have another text" in told and "'another text' for 't01'" in told
        assert "another speaker" in told and "another label" not in told


def test_a_modality_of_both_is_refused_unless_it_is_renamed_or_replaced(base: Corpus, tmp_path: Path) -> None:
    members = tuple(Utterance(name, "Ann", features={"text": np.zeros(5, np.float32)}) for name in ids(base)[:3])
    other = Corpus({None: [Conversation("x", members)]}, TaskSpec((), {"text": 5}))
    with pytest.raises(UsageError, match="has 'text' already"):
        join(base, other)
    beside, _ = join(base, other, prefix="b_")
    assert beside.spec.widths == {"text": 2, "b_text": 5} and set(beside.extractors) == {"text"}
    instead, _ = join(base, other, replace_existing=True)
    assert instead.spec.widths == {"text": 5} and instead.extractors == {}
    assert [v is None for v in vectors(instead, "text").values()] == [False] * 3 + [True] * 9


def test_rows_are_missing_when_they_are_nan_and_refused_when_they_are_so_in_part(base: Corpus, tmp_path: Path) -> None:
    values = np.array([[np.nan, np.nan], [0, 0], [1, np.inf]])
    source = as_npz(tmp_path, ids(base)[:3], values)
    ask = {"on": {"utterance_id": "utt"}, "features": {"audio": "sound"}}
    with pytest.raises(DataError, match="utterance '0_2': audio holds 1 numbers of 2 that are NaN or infinite"):
        join(base, source, **ask)
    source = as_npz(tmp_path, ids(base)[:3], values[[0, 1, 1]])
    assert list(vectors(join(base, source, **ask)[0], "audio").values())[:3] == [None, [0, 0], [0, 0]]
    assert list(vectors(join(base, source, zero_rows_missing=True, **ask)[0], "audio").values())[:3] == [None] * 3


def test_all_arrays_of_two_dimensions_are_taken_where_none_is_named_and_others_are_told(
    base: Corpus, tmp_path: Path
) -> None:
    made, joining = join(base, as_npz(tmp_path, ids(base), np.ones((12, 4))), on={"utterance_id": "utt"})
    assert made.spec.widths == {"text": 2, "sound": 4}
    assert "b.npz: not used: other" in joining.notes


FAULTY = {
    "no such key": ({"on": ("utterance_id",)}, UsageError, "no 'utterance_id' among its arrays"),
    "no such array": ({"features": {"audio": "sond"}}, UsageError, "Did you mean 'sound'"),
    "a key that tells nothing apart": ({"on": {"conversation_id": "utt"}}, UsageError, "Found conversation_id"),
    "an array of one dimension": ({"features": {"audio": "other"}}, DataError, "shape (12, width)"),
    "a key of two dimensions": ({"on": {"utterance_id": "sound"}}, DataError, "shape (12,)"),
    "a modality under two names": ({"features": {"audio": "sound", "a": "sound"}}, UsageError, "'audio' under two"),
    "an extractor of nothing": ({"extractors": {"visual": {"name": "x"}}}, UsageError, "Found 'visual'"),
    "a name that is no column": ({"prefix": "a."}, DataError, "may hold letters"),
}


@pytest.mark.parametrize("case", FAULTY)
def test_what_cannot_be_joined_is_named(base: Corpus, tmp_path: Path, case: str) -> None:
    options, kind, told = FAULTY[case]
    source = as_npz(tmp_path, ids(base), np.ones((12, 1)))
    with pytest.raises(kind) as error:
        join(base, source, **{"on": {"utterance_id": "utt"}, "features": {"audio": "sound"}, **options})
    assert told in str(error.value)


TABLES = {
    "words where numbers should be": ("utterance_id,f0\n0_0,high\n", "high"),
    "rows of another length": ("utterance_id,f0\n0_0,1,2\n", "damage"),
    "a row without an id": ("utterance_id,f0\n,1\n", "row 0: an id is expected"),
    "a column twice": ("utterance_id,f0,f0\n0_0,1,2\n", "'f0' more than once"),
    "no rows": ("utterance_id,f0\n", "Found no row"),
    "nothing": ("", "Found an empty file"),
    "no text": ("utterance_id,f0\n0_0,\udcff\n", "damage"),
}


@pytest.mark.parametrize("case", TABLES)
def test_damaged_tables_are_refused(base: Corpus, tmp_path: Path, case: str) -> None:
    text, told = TABLES[case]
    (tmp_path / "b.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CrossspaceError) as error:
        join(base, tmp_path / "b.csv", features={"audio": "f0"})
    assert told in str(error.value) and "b.csv" in str(error.value)


def test_lists_of_several_lengths_are_refused(base: Corpus, tmp_path: Path) -> None:
    pq.write_table(pa.table({"utterance_id": ["0_0", "0_1"], "f": [[1.0], [1.0, 2.0]]}), tmp_path / "b.parquet")
    with pytest.raises(DataError, match="should all have one length"):
        join(base, tmp_path / "b.parquet", features={"audio": "f"})


def test_columns_must_be_named_and_files_known(base: Corpus, tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("utterance_id,f0,f1\n0_0,1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"say which are features .* Columns: f0, f1"):
        join(base, tmp_path / "b.csv")
    (tmp_path / "b.csv").write_bytes(pickle.dumps({"utterance_id": ["0_0"]}))
    with pytest.raises(DataError, match="Found a pickle"):
        join(base, tmp_path / "b.csv")
    with pytest.raises(DataError, match="Found nothing"):
        join(base, tmp_path / "c.csv")


def test_features_are_read_where_they_are_asked_for_and_no_further(base: Corpus) -> None:
    asked: list[tuple[int, int]] = []

    class Watched(ArrayFeatures):
        def read(self, modality: str, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
            asked.append((start, stop))
            return super().read(modality, start, stop)

    others = Watched({"s": np.arange(6, dtype=np.float32)[:, None]}, {"s": np.ones(6, bool)})
    rows = np.array([4, 5, -1, 0, 2, 1, -1, 3, -1, -1, -1, -1])
    joined = JoinedFeatures(base.features, others, rows, {"audio": "s"}, ((0, 12),))
    values, present = joined.read("audio", 0, 6)
    assert values[:, 0].tolist() == [4, 5, 0, 0, 2, 1] and present.tolist() == [True, True, False, True, True, True]
    assert asked == [(0, 3), (4, 6)]
    assert joined.read("text", 1, 2)[0].tolist() == base.features.read("text", 1, 2)[0].tolist()
    assert asked == [(0, 3), (4, 6)]


def test_several_vectors_stay_several_when_they_are_joined(base: Corpus) -> None:
    task = replace(base.spec, vectors={"text": 2})
    other = Corpus({s: list(base.split(s)) for s in base.splits}, task)
    joined, _ = join(base, other, on=["utterance_id"], features={"text": "text"}, prefix="more_")
    assert joined.spec.vectors == {"more_text": 2} and joined.spec.widths["more_text"] == 2
