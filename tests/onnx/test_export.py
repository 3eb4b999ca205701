"""What is exported says what the model says, and what would not is refused."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).resolve().parents[1] / "models"))
from small import small

from crossspace import Predictor, TaskSpec
from crossspace.cli.main import main
from crossspace.errors import CrossspaceError, UnsuitableError, UsageError, WritingError
from crossspace.inference.infer import infer
from crossspace.models import MODELS
from crossspace.onnx import ExportedPredictor, tracing
from crossspace.onnx import export as exporting
from crossspace.onnx.description import Description
from crossspace.onnx.export import TOLERANCE, export, random_conversation

pytestmark = pytest.mark.xdist_group("onnx")
STEP_BY_STEP = {"cmn", "icon", "dialoguernn", "mm-dfn"}
"""Those that say of themselves that they are no graph."""


def model(name: str, task: TaskSpec, **arguments: Any) -> Predictor:
    torch.manual_seed(0)
    return Predictor(small(MODELS[name], task, **arguments), name)


# The others are compared by ``python -m benchmarks.exports``, which takes minutes.
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("logistic-regression", {}),
        ("bc-lstm", {"layers": 2}),
        ("css", {"causal": True, "encoder": "gru", "standardise": True}),
        ("css", {"context": False, "encoder": {"name": "lstm", "layers": 2}}),
    ],
)
def test_what_is_exported_agrees_with_pytorch_at_lengths_that_were_not_traced(
    name: str, arguments: dict[str, Any], task: TaskSpec, tmp_path: Path
) -> None:
    predictor = model(name, task, **arguments)
    found = export(predictor, tmp_path / "out")
    assert found.difference <= TOLERANCE and found.checked >= 20
    exported = ExportedPredictor.from_pretrained(tmp_path / "out")
    assert (exported.task, exported.causal) == (predictor.task, predictor.causal)
    generator = torch.Generator().manual_seed(1)
    for length, share in ((1, 1.0), (1, 0.0), (9, 0.5), (1200, 0.8)):
        batch = random_conversation(predictor.model, length, share, generator)
        said = exported.infer(
            {m: x.numpy() for m, x in batch.features.items()},
            {m: x.numpy() for m, x in batch.present.items()},
            batch.speakers.tolist(),
        )
        expected = infer(predictor.model, [batch])
        np.testing.assert_allclose(said.probabilities, expected.probabilities, atol=TOLERANCE)
        assert said.unimodal.keys() == expected.unimodal.keys()
        for m, alone in expected.unimodal.items():
            np.testing.assert_allclose(said.unimodal[m], alone, atol=TOLERANCE)


def test_models_that_are_no_graph_say_why_and_nothing_is_written(task: TaskSpec, tmp_path: Path) -> None:
    assert {name for name, kind in MODELS.items() if kind.no_graph} == STEP_BY_STEP
    for name in STEP_BY_STEP:
        with pytest.raises(UnsuitableError, match=rf"'{name}' cannot be exported: its .*every length"):
            export(model(name, task), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_model_that_looks_at_the_length_is_refused_and_never_a_wrong_graph(
    task: TaskSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor = model("logistic-regression", task)
    forward = type(predictor.model).decode

    def decode(self: Any, representation: Any, batch: Any) -> Any:
        if len(batch) > 50:
            return forward(self, {k: 2 * v for k, v in representation.items()}, batch)
        return forward(self, representation, batch)

    monkeypatch.setattr(type(predictor.model), "decode", decode)
    with pytest.raises(UnsuitableError, match="PyTorch could not trace it"):
        export(predictor, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_graph_that_says_something_else_is_not_written(
    task: TaskSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "infer", lambda model, batches: infer(model, [b.keep(["text"]) for b in batches]))
    with pytest.raises(CrossspaceError, match=r"should agree to 1e-05.*Nothing was written"):
        export(model("logistic-regression", task), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_exists_or_cannot_be_made_is_left_alone(task: TaskSpec, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="should be a new folder"):
        export(model("logistic-regression", task), tmp_path)
    with pytest.raises(WritingError):
        export(model("logistic-regression", task), tmp_path / "mine.txt" / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_model_larger_than_a_file_is_refused(task: TaskSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "LARGEST", 100)
    with pytest.raises(UnsuitableError, match="at most 100 bytes"):
        export(model("logistic-regression", task), tmp_path / "out")


def test_the_description_is_read_as_it_was_written(exported: Path) -> None:
    found = Description.read(exported / "exported.json")
    assert found.temperature != 1 and found.heads == ("text", "audio", "visual") and found.difference <= TOLERANCE
    assert Description.read(exported / "exported.json").text() == (exported / "exported.json").read_text()


def test_no_path_of_the_machine_is_in_the_file(exported: Path) -> None:
    content = (exported / "model.onnx").read_bytes()
    assert str(Path(torch.__file__).parents[1]).encode() not in content
    assert str(Path(exporting.__file__).parents[1]).encode() not in content and b"stack_trace" not in content


def test_the_command_refuses_what_is_no_model(
    exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(tmp_path), "--out", str(tmp_path / "out")]) == 1
    assert "should be a run folder with finished seeds" in capsys.readouterr().err
    assert main(["export", str(exported), "--out", str(tmp_path / "out")]) == 1
    assert re.search("Found one that was exported", capsys.readouterr().err)
