from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import graphs


def test_the_numbers_of_the_models_named_are_written_and_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(graphs, "peak_of", lambda *arguments: 123.0)  # the whole benchmark's test takes processes
    out = tmp_path / "graphs.json"
    graphs.main(["--quick", "--rounds", "2", "--models", "mmgcn", "--out", str(out)])
    (name, one), *others = json.loads(out.read_text())["graph_ratios"].items()
    assert name == "mmgcn" and not others and len(one["pairs"]) == 2
    said = capsys.readouterr().out
    assert "mmgcn" in said and "123" in said


def test_a_model_without_a_released_way_is_refused_by_name() -> None:
    with pytest.raises(SystemExit, match="sdt"):
        graphs.graph_ratios(quick=True, models=["sdt"])


def test_ways_that_lie_apart_are_never_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "differences", lambda *arguments, **named: {"logits": 1e-12, "a parameter": 1e-3})
    with pytest.raises(AssertionError, match="a parameter"):
        graphs.graph_ratios(quick=True, models=["m3net"])
