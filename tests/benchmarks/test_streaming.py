"""The benchmark of streams runs and writes what it measures."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.streaming import main


def test_quick_measurement_writes_every_number(tmp_path: Path) -> None:
    main(["--quick", "--out", str(tmp_path / "streaming.json")])
    found = json.loads((tmp_path / "streaming.json").read_text())
    assert [cost["contributions"] for cost in found] == [False, True]
    for cost in found:
        assert set(cost["milliseconds"]) == {"5", "40"} and cost["growth"] > 0
        assert cost["difference"] < 1e-5
        # Keys, values and whether they may be looked at, twice as much at most; with contributions for two coalitions.
        assert 1 <= cost["kibibytes"] / (2 * 4 * 256 / 1024) / (1 + cost["contributions"]) <= 2.1
