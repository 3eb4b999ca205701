"""Many files as one corpus."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from crossspace.cli.main import main
from crossspace.data.corpus import Corpus
from crossspace.data.importers.synthetic import Synthetic
from crossspace.data.store import many
from crossspace.errors import DataError, UsageError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = Synthetic(train=150, validation=20, test=30, longest=15, missing=0.1, widths={"text": 4, "audio": 3})
    path = tmp_path_factory.mktemp("whole") / "whole.parquet"
    made.read().write(path)
    return path


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    Corpus.read(whole).write_files(tmp_path / "files", rows=600)
    return tmp_path / "files"


def test_files_are_together_what_they_were_in_one(whole: Path, folder: Path) -> None:
    one, files = Corpus.read(whole), Corpus.read(folder)
    assert files.fingerprint == one.fingerprint and files.splits == one.splits
    files.verify()
    assert files.utterances("all").equals(one.utterances("all"))
    for indices in (range(5), [100, 3, 40], range(150)):
        expected, found = (corpus.columns("train", indices).features for corpus in (one, files))
        assert all(np.array_equal(expected[m], found[m]) for m in ("text", "audio"))
    names = sorted(path.name for path in folder.iterdir())
    assert len(names) > 3 and names[0] == "corpus.json"
    # Each is a corpus by itself, and no conversation stands in two.
    parts = [Corpus.read(folder / name) for name in names[1:]]
    ids = [name for part in parts for name in part.conversation_ids("all")]
    assert ids == one.conversation_ids("all")
    assert all(len(part) + 512 >= 600 for part in parts[:-1]) and all(len(part) <= 600 for part in parts)


def test_no_more_files_are_open_than_a_process_may_have(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "_OPEN", 2)
    Corpus.read(whole).write_files(tmp_path / "files", rows=1)
    files = Corpus.read(tmp_path / "files", cache_bytes=100_000)
    assert len(files.features.paths) > 4  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(files))
    for corpus in (files, again):
        corpus.verify()
        assert len(corpus.features._files) <= 2


def test_a_file_that_is_missing_another_or_damaged_is_named(whole: Path, folder: Path, tmp_path: Path) -> None:
    second, third = folder / "part-00001.parquet", folder / "part-00002.parquet"
    content = second.read_bytes()
    second.write_bytes(third.read_bytes())
    with pytest.raises(DataError, match=r"part-00001\.parquet should be the file with the fingerprint"):
        Corpus.read(folder)
    second.write_bytes(content[:-100])
    with pytest.raises(DataError, match=r"part-00001\.parquet"):
        Corpus.read(folder)
    second.unlink()
    with pytest.raises(DataError, match=r"part-00001\.parquet"):
        Corpus.read(folder)
    second.write_bytes(content)
    listed = json.loads((folder / "corpus.json").read_text())
    for change in (
        lambda: listed["files"].pop(),
        lambda: listed["files"].reverse(),
        lambda: listed["files"][0].update(name="../other.parquet"),
        lambda: listed.pop("corpus"),
    ):
        change()
        (folder / "corpus.json").write_text(json.dumps(listed))
        with pytest.raises(DataError):
            Corpus.read(folder)


def test_a_writing_that_was_killed_is_done_again_and_other_files_are_spared(whole: Path, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    Corpus.read(whole).write_files(folder, rows=600)
    with pytest.raises(UsageError, match="new or empty"):
        Corpus.read(whole).write_files(folder)
    (folder / "corpus.json").unlink()  # it is written last
    with pytest.raises(DataError, match="folder"):
        Corpus.read(folder)
    Corpus.read(whole).write_files(folder, rows=600)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match="new or empty"):
        Corpus.read(whole).write_files(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.tex").read_text() == "x"


def test_commands_take_a_folder_for_a_file(
    whole: Path, finished_run: Path, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "files", str(corpus_file), str(tmp_path / "files"), "--rows", "10"]) == 0
    assert main(["data", "show", str(tmp_path / "files")]) == 0
    assert main(["data", "validate", str(tmp_path / "files")]) == 0
    for source, out in ((tmp_path / "files", "a"), (corpus_file, "b")):
        assert main(["predict", str(finished_run), str(source), "--out", str(tmp_path / f"{out}.parquet")]) == 0
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))
