from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import graphs


def test_quick_measurements_write_every_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "graphs.json"
    graphs.main(["--quick", "--rounds", "2", "--models", "m3net", "--out", str(out)])
    one = json.loads(out.read_text())["graph_ratios"]["m3net"]
    assert 0 < one["lowest"] <= one["ratio"] <= one["highest"]
    assert len(one["pairs"]) == 2
    assert set(one["seconds"]) == set(one["peak_mib"]) == {"released", "ours"}
    assert one["targets"] == [15.0, 20.0]
    assert "m3net" in capsys.readouterr().out


def test_a_model_without_a_released_way_is_refused_by_name() -> None:
    with pytest.raises(SystemExit, match="sdt"):
        graphs.graph_ratios(quick=True, models=["sdt"])


def test_ways_that_lie_apart_are_never_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "differences", lambda *arguments, **named: {"logits": 1e-12, "a parameter": 1e-3})
    with pytest.raises(AssertionError, match="a parameter"):
        graphs.graph_ratios(quick=True, models=["m3net"])
