"""The benchmark of an accelerator, run on the processor to see that everything runs."""

from __future__ import annotations

import json

import pytest
import torch

from benchmarks import gpu
from benchmarks.corpus import random_batch


def test_recorded_steps_are_compared_with_others(capsys: pytest.CaptureFixture[str]) -> None:
    gpu.main(["--device", "cpu", "--quick", "--limit", "0"])
    said = json.loads(capsys.readouterr().out)
    assert said["device"] == "cpu" and said["epoch_seconds"] == {"iemocap": {}, "meld": {}}
    for name, limit in (("float64", 1e-9), ("float32", 1e-2)):
        found = said["graph_differences"][name]
        assert found.keys() == {"fixed", "fixed_dropout", "exact", "exact_dropout"}
        assert found["fixed_dropout"] == found["exact_dropout"] == 0.0
        assert max(found.values()) < limit


def test_everything_is_timed_with_graphs_and_without(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("train_batches", "meld_batches"):
        monkeypatch.setattr(gpu, name, lambda spec, shrink: [random_batch([3, 2], spec)])
    monkeypatch.setattr(gpu, "EPOCHS", 1)
    gpu.main(["--device", "cpu", "--quick"])
    said = json.loads(capsys.readouterr().out)
    for shape in ("iemocap", "meld"):
        times, ratios = said["epoch_seconds"][shape], said["ordinary_over_graphs"][shape]
        assert len(times) == 25 and len(ratios) == 12
        assert {f"{name}_graphs" for name in ratios} | set(ratios) | {"released"} == set(times)


def test_a_recorder_of_the_processor_repeats_nothing() -> None:
    def step() -> torch.Tensor:
        return torch.zeros(())

    assert gpu.Again().record(step) is step  # type: ignore[arg-type]
