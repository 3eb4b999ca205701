"""An exported model follows a conversation that goes on, and says what PyTorch says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from crossspace import Predictor, TaskSpec, Utterance
from crossspace.errors import MismatchError, UsageError
from crossspace.models import MODELS
from crossspace.onnx import ExportedPredictor
from crossspace.onnx.export import export
from tests.models.small import small

pytestmark = pytest.mark.xdist_group("onnx")


def utterances(task: TaskSpec, count: int) -> list[Utterance]:
    """Of three speakers, with a modality missing here and there."""
    random = np.random.default_rng(0)
    return [
        Utterance(
            f"u{i}",
            "ABC"[random.integers(3)],
            features={
                m: random.normal(size=d).astype(np.float32) for m, d in task.widths.items() if random.random() < 0.7
            },
        )
        for i in range(count)
    ]


def both(name: str, task: TaskSpec, tmp_path: Path, **arguments: object) -> tuple[Predictor, ExportedPredictor]:
    torch.manual_seed(0)
    predictor = Predictor(small(MODELS[name], task, **arguments))
    export(predictor, tmp_path / "out")
    return predictor, ExportedPredictor.from_pretrained(tmp_path / "out")


@pytest.mark.parametrize("causal", [False, True])
def test_every_record_is_that_of_pytorch(task: TaskSpec, tmp_path: Path, causal: bool) -> None:
    predictor, exported = both("css", task, tmp_path, causal=causal)
    for contributions in (False, True):
        options: dict[str, Any] = {"contributions": contributions, "window": 4}
        without, with_torch = exported.stream(**options), predictor.stream(**options)
        for said in utterances(task, 9):
            one, other = without.push(said), with_torch.push(said)
            assert list(one) == list(other) and one["label"] == other["label"]
            assert one["contributions"].keys() == other["contributions"].keys()
            for key in ("probabilities", "contributions"):
                assert one[key] == pytest.approx(other[key], abs=1e-5)
        assert len(without) == 9


def test_what_is_refused_has_left_no_trace(task: TaskSpec, tmp_path: Path) -> None:
    _, predictor = both("logistic-regression", task, tmp_path)
    stream, other = predictor.stream(), predictor.stream()
    first, second = utterances(predictor.task, 2)
    stream.push(first)
    before = stream.mark()
    with pytest.raises(MismatchError, match="features, found shape"):
        stream.push(Utterance("x", "Z", features={predictor.task.modalities[0]: np.zeros(1, np.float32)}))
    expected = other.extend([first, second])[1]
    assert stream.push(second) == expected and len(stream) == 2
    stream.rewind(before)
    assert len(stream) == 1 and stream.push(second) == expected
    with pytest.raises(UsageError, match="`window` should be at least 1"):
        predictor.stream(window=0)
