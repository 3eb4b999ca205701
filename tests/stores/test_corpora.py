"""Corpora on stores: the same bytes, the same fingerprint, and no more requests than are needed."""

from __future__ import annotations

import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossspace import Conversation, Corpus, TaskSpec, Utterance
from crossspace.data.store.validate import faults
from crossspace.errors import DataError, WritingError
from crossspace.runtime import write_text
from crossspace.stores import place

_WIDTHS = {"text": 320, "audio": 64}
_SIZES = {"train": 240, "validation": 30, "test": 30}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    numbers = np.random.default_rng(0)

    def conversation(name: str) -> Conversation:
        return Conversation(
            name,
            [
                Utterance(
                    id=f"{name}-{place}",
                    speaker="AB"[place % 2],
                    text=f"words {place}",
                    label="joy" if place % 2 else "anger",
                    features={m: numbers.normal(size=width).astype(np.float32) for m, width in _WIDTHS.items()},
                )
                for place in range(10)
            ],
        )

    conversations = {split: [conversation(f"{split}{n:04d}") for n in range(size)] for split, size in _SIZES.items()}
    return Corpus(conversations, TaskSpec(labels=("joy", "anger"), widths=_WIDTHS), name="stored")


@pytest.fixture(params=["memory", "bucket"])
def root(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


def test_a_corpus_on_a_store_is_the_local_one_byte_for_byte(root: str, corpus: Corpus, tmp_path: Path) -> None:
    corpus.write(tmp_path / "c.parquet")
    corpus.write(f"{root}/c.parquet")
    assert place(f"{root}/c.parquet").read_bytes() == (tmp_path / "c.parquet").read_bytes()
    stored, local = Corpus.read(f"{root}/c.parquet"), Corpus.read(tmp_path / "c.parquet")
    assert stored.fingerprint == local.fingerprint == corpus.fingerprint
    stored.verify()
    assert faults(f"{root}/c.parquet") == []
    one, other = stored.columns("test", range(30)), local.columns("test", range(30))
    assert all(np.array_equal(one.features[m], other.features[m]) for m in _WIDTHS)


def test_a_copy_on_a_store_is_made_from_one(root: str, corpus: Corpus) -> None:
    corpus.write(f"{root}/a.parquet")
    Corpus.read(f"{root}/a.parquet").write(f"{root}/b.parquet")
    assert place(f"{root}/a.parquet").read_bytes() == place(f"{root}/b.parquet").read_bytes()


def test_only_what_is_needed_is_asked_for(proxy: Any, bucket: str, corpus: Corpus) -> None:
    corpus.write(f"{bucket}/c.parquet")
    whole = place(f"{bucket}/c.parquet").size()
    proxy.requests.clear()
    proxy.received = 0
    stored = Corpus.read(f"{bucket}/c.parquet")
    groups = stored.features._file.num_row_groups  # type: ignore[attr-defined]
    # What it is, its beginning, its end, and the index of every row group.
    assert len(proxy.requests) <= 3 + groups
    assert proxy.received < whole / 4
    proxy.requests.clear()
    proxy.received = 0
    stored.columns("test", range(30))
    held = 300 * 4 * sum(_WIDTHS.values())
    # At most one row group more than the split fills, all fetched together; features do not compress.
    assert len(proxy.requests) == 1
    assert proxy.received < held + 2 * 512 * 4 * sum(_WIDTHS.values())
    proxy.requests.clear()
    stored.columns("test", range(30))
    assert proxy.requests == []


def test_what_stands_close_together_is_asked_for_at_once(proxy: Any, bucket: str) -> None:
    one = np.zeros(4, np.float32)
    conversations = [
        Conversation(f"c{n:04d}", [Utterance(f"{n}-{i}", "A", features={"text": one}) for i in range(10)])
        for n in range(2000)
    ]
    Corpus({"test": conversations}, TaskSpec(labels=("joy",), widths={"text": 4})).write(f"{bucket}/small.parquet")
    proxy.requests.clear()
    stored = Corpus.read(f"{bucket}/small.parquet")
    assert stored.features._file.num_row_groups > 70  # type: ignore[attr-defined]
    assert len(proxy.requests) <= 5
    proxy.requests.clear()
    # A full scan fetches many row groups with a request.
    assert stored.coverage("test") == {"text": 20_000}
    assert len(proxy.requests) <= 2000 / 64 + 1


def test_of_many_files_each_is_asked_once_for_a_batch(proxy: Any, bucket: str, corpus: Corpus) -> None:
    corpus.write_files(f"{bucket}/many", rows=600)
    stored = Corpus.read(f"{bucket}/many")
    proxy.requests.clear()
    taken = stored.columns("train", range(0, 240, 3))
    assert np.array_equal(taken.features["text"], corpus.columns("train", range(0, 240, 3)).features["text"])
    # Of each file: what it is, its beginning, its end, and the rows.
    assert len(proxy.requests) == 4 * len(list(place(f"{bucket}/many").glob("*.parquet")))


def test_threads_read_the_same(root: str, corpus: Corpus) -> None:
    corpus.write(f"{root}/c.parquet")
    stored = Corpus.read(f"{root}/c.parquet", cache_bytes=0)
    with ThreadPoolExecutor(4) as pool:
        read = list(pool.map(lambda n: stored.columns("train", [n]).features["text"], range(0, 240, 12)))
    for number, values in zip(range(0, 240, 12), read, strict=True):
        assert np.array_equal(values, corpus.columns("train", [number]).features["text"])


def test_another_process_reads_what_was_sent_to_it(bucket: str, corpus: Corpus, tmp_path: Path) -> None:
    corpus.write(f"{bucket}/c.parquet")
    (tmp_path / "sent").write_bytes(pickle.dumps(Corpus.read(f"{bucket}/c.parquet")))
    code = "import pickle, sys; c = pickle.load(open(sys.argv[1], 'rb')); c.verify(); print(c.fingerprint)"
    said = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "sent"], capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == corpus.fingerprint


def test_a_connection_lost_in_the_middle_is_taken_up_again(proxy: Any, bucket: str, corpus: Corpus) -> None:
    corpus.write(f"{bucket}/c.parquet")
    stored = Corpus.read(f"{bucket}/c.parquet")
    proxy.cut(2, after=50_000, only=b"GET")
    stored.verify()
    assert proxy.made == 2


def test_a_connection_lost_for_good_is_named_and_a_repeat_succeeds(proxy: Any, bucket: str, corpus: Corpus) -> None:
    corpus.write(f"{bucket}/c.parquet")
    stored = Corpus.read(f"{bucket}/c.parquet")
    proxy.cut(1000, after=5_000, only=b"GET")
    with pytest.raises(DataError, match=rf"{bucket}/c.parquet cannot be read: nobody answers"):
        stored.verify()
    proxy.cut(0, after=0)
    stored.verify()


def test_writing_where_there_is_no_bucket_is_named(bucket: str, corpus: Corpus) -> None:
    with pytest.raises(WritingError, match="no such bucket"):
        corpus.write("s3://there-is-none/c.parquet")


def test_what_is_no_corpus_is_named(root: str, corpus: Corpus) -> None:
    with pytest.raises(DataError, match=r"c.parquet.*Found nothing"):
        Corpus.read(f"{root}/c.parquet")
    write_text(f"{root}/folder/text.csv", "a,b\n1,2\n")
    with pytest.raises(DataError, match="Found a folder"):
        Corpus.read(f"{root}/folder")
    with pytest.raises(DataError, match="a table as text"):
        Corpus.read(f"{root}/folder/text.csv")
    corpus.write(f"{root}/c.parquet")
    place(f"{root}/cut.parquet").write_bytes(place(f"{root}/c.parquet").read_bytes()[:-100])
    with pytest.raises(DataError, match="truncated"):
        Corpus.read(f"{root}/cut.parquet")


def test_a_file_that_was_replaced_is_not_read_as_the_old_one(memory: str, corpus: Corpus) -> None:
    corpus.write(f"{memory}/c.parquet")
    stored = Corpus.read(f"{memory}/c.parquet", cache_bytes=0)
    place(f"{memory}/c.parquet").write_bytes(bytes(1000))
    with pytest.raises(DataError, match=r"c.parquet"):
        stored.columns("test", range(30))
