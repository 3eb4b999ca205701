"""An exported model is fetched by its name on a hub, and needs no network the second time."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from stand_in import Hub

sys.path.append(str(Path(__file__).resolve().parents[1] / "models"))
from small import small

from crossspace import Corpus, Predictor
from crossspace.cli.main import main
from crossspace.errors import DataError
from crossspace.models import MODELS
from crossspace.onnx import ExportedPredictor
from crossspace.onnx.export import export
from crossspace.onnx.loading import load_predictor

pytestmark = pytest.mark.xdist_group("exported-hub")
NAME = "someone/mine-onnx"


@pytest.fixture(scope="module")
def exported(tiny_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("exported") / "model"
    export(Predictor(small(MODELS["logistic-regression"], tiny_corpus.spec)), folder, card="# A card\n")
    return folder


@pytest.fixture
def pushed(hub: Hub, exported: Path) -> Hub:
    assert main(["push", str(exported), NAME]) == 0
    return hub


def test_predictions_by_a_name_are_those_by_the_folder(
    pushed: Hub, exported: Path, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = pushed.repositories[NAME].names["main"]
    for place, source in enumerate((str(exported), NAME, f"{NAME}@{commit}")):
        assert main(["predict", source, str(corpus_file), "--out", str(tmp_path / f"{place}.csv")]) == 0
        assert f"Model: {source}\n" in capsys.readouterr().err
    first, *others = ((tmp_path / f"{place}.csv").read_bytes() for place in range(3))
    assert others == [first, first]


def test_without_a_network_the_copy_in_the_cache_is_used(pushed: Hub, unreachable: Callable[[], None]) -> None:
    assert isinstance(load_predictor(NAME), ExportedPredictor)
    unreachable()
    assert ExportedPredictor.from_pretrained(NAME).name == NAME
    with pytest.raises(DataError, match="could not be reached, and no copy is in the cache"):
        load_predictor("someone/other")


def test_a_model_of_pytorch_is_found_by_its_name_as_before(hub: Hub, finished_run: Path) -> None:
    assert main(["push", str(finished_run), "someone/mine"]) == 0
    assert isinstance(load_predictor("someone/mine"), Predictor)
    with pytest.raises(DataError, match=r"should be a folder with exported\.json and model\.onnx.* on a hub"):
        ExportedPredictor.from_pretrained("someone/mine")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tree: tree.pop("model.onnx"), r"lacks a file of a crossspace model \(model\.onnx\)"),
        (lambda tree: tree.update({"model.onnx": tree["model.onnx"][:-9]}), r"model\.onnx was changed or damaged"),
        (lambda tree: tree.pop("SHA256SUMS"), r"lacks a file of a crossspace model \(SHA256SUMS\)"),
        (lambda tree: tree.update({"exported.json": b"{}"}), r"exported\.json was changed or damaged"),
    ],
)
def test_what_lacks_or_is_damaged_on_the_hub_is_named(pushed: Hub, change: Callable[[dict], None], said: str) -> None:
    repository = pushed.repositories[NAME]
    tree = dict(repository.commits[repository.names["main"]])
    change(tree)
    repository.commits["damaged"] = tree
    with pytest.raises(DataError, match=said):
        load_predictor(f"{NAME}@damaged")


def test_what_an_exported_model_cannot_is_told_by_its_name_too(
    pushed: Hub, corpus_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", NAME, str(corpus_file), "--out", str(tmp_path / "t.csv"), "--jobs", "2"]
    assert main(words) == 2 and "Leave out --jobs" in capsys.readouterr().err
    assert main(["analyze", str(corpus_file), "--model", NAME]) != 0
