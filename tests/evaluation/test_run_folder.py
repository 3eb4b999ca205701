"""A run folder is read whole, and whatever is wrong with it is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from crossspace.errors import DataError
from crossspace.evaluation.run_folder import RunRecord

FILES = ("config.yaml", "environment.json", "history.jsonl", "results.json", "predictions.parquet")


@pytest.fixture
def copy(run_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(run_folder, tmp_path / "copy"))


def test_a_complete_run_is_read(run_folder: Path) -> None:
    record = RunRecord.read(run_folder)
    assert record.seeds == [0, 1, 2, 3, 4]
    assert record.modalities == ["text", "audio", "visual"]
    assert record.steps and record.epochs and record.predictions.num_rows


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(DataError, match=name):
        RunRecord.read(copy)


@pytest.mark.parametrize("name", FILES[1:])
def test_a_truncated_file_is_named(copy: Path, name: str) -> None:
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=name):
        RunRecord.read(copy)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        RunRecord.read(tmp_path / "nowhere")


@pytest.mark.parametrize(("key", "value"), [("protocol", "lucky"), ("per_class", {"x": {}})])
def test_results_that_do_not_fit_are_refused(copy: Path, key: str, value: object) -> None:
    results = json.loads((copy / "results.json").read_text())
    (copy / "results.json").write_text(json.dumps({**results, key: value}))
    with pytest.raises(DataError, match=r"results\.json"):
        RunRecord.read(copy)
