"""Models and run folders on stores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from crossspace import Predictor
from crossspace.digests import write_sums
from crossspace.errors import DataError
from crossspace.pretrained import FOLDER
from crossspace.stores import place


@pytest.fixture(params=["memory", "bucket"])
def root(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSSPACE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder of two seeds, as far as a predictor looks at it."""
    for seed, score in ((0, 0.2), (1, 0.7)):
        folder = tmp_path / "run" / f"seed-{seed}"
        folder.mkdir(parents=True)
        for name in ("config.json", "model.safetensors"):
            shutil.copy(Path(FOLDER) / name, folder / name)
        (folder / "result.json").write_text(json.dumps({"best_score": score}))
        write_sums(folder, ["result.json"])
    return tmp_path / "run"


def _put(folder: Path, target: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            place(f"{target}/{path.relative_to(folder).as_posix()}").write_bytes(path.read_bytes())


def test_a_run_on_a_store_predicts_as_the_local_one(root: str, run: Path) -> None:
    _put(run, f"{root}/runs/one")
    stored, local = Predictor.from_pretrained(f"{root}/runs/one"), Predictor.from_pretrained(run)
    assert stored.name == f"{root}/runs/one/seed-1"
    assert stored.model.state_dict().keys() == local.model.state_dict().keys()
    assert all(stored.model.state_dict()[n].equal(v) for n, v in local.model.state_dict().items())
    assert Predictor.from_pretrained(f"{root}/runs/one/seed-0").name == f"{root}/runs/one/seed-0"


def test_a_changed_file_is_found_by_its_digest(memory: str, run: Path) -> None:
    config = json.loads((run / "seed-0" / "config.json").read_text())
    config["details"] = {**config.get("details", {}), "seed": 99}
    _put(run, memory)
    place(f"{memory}/seed-0/config.json").write_text(json.dumps(config))
    with pytest.raises(DataError, match=f"{memory}/seed-0/config.json was changed"):
        Predictor.from_pretrained(f"{memory}/seed-0")
    place(f"{memory}/seed-1/result.json").write_text('{"best_score": 0.9}')
    with pytest.raises(DataError, match=r"result\.json was changed"):
        Predictor.from_pretrained(memory)


def test_half_a_model_is_no_model(memory: str, run: Path) -> None:
    _put(run, memory)
    place(f"{memory}/seed-0/model.safetensors").write_bytes((run / "seed-0/model.safetensors").read_bytes()[:5000])
    with pytest.raises(DataError, match=f"{memory}/seed-0/model.safetensors"):
        Predictor.from_pretrained(f"{memory}/seed-0")
    place(f"{memory}/seed-0/model.safetensors").unlink()
    with pytest.raises(DataError, match=f"{memory}/seed-0"):
        Predictor.from_pretrained(f"{memory}/seed-0")


def test_what_is_no_model_is_named(root: str) -> None:
    with pytest.raises(DataError, match="Found nothing"):
        Predictor.from_pretrained(f"{root}/none")
    place(f"{root}/c.parquet").write_bytes(b"x")
    with pytest.raises(DataError, match="Found a file"):
        Predictor.from_pretrained(f"{root}/c.parquet")


def test_names_on_a_hub_stay_names(monkeypatch: pytest.MonkeyPatch) -> None:
    from crossspace.models import base

    asked: list[str] = []

    def download(name: str, file: str, **_: object) -> str:
        asked.append(name)
        raise OSError("no network")

    monkeypatch.setattr(base, "hf_hub_download", download)
    with pytest.raises(DataError, match="hub"):
        Predictor.from_pretrained("owner/name")
    assert asked == ["owner/name"]
