from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


def test_quick_bench_writes_every_number(tmp_path):
    out = tmp_path / "bench.json"
    command = [sys.executable, "-m", "benchmarks.bench", "--quick", "--pairs", "1", "--out", str(out)]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert finished.returncode == 0, finished.stderr
    result = json.loads(out.read_text())
    names = {"exact_float32", "exact_bf16", "representation_float32", "evaluation_float32"}
    assert set(result["ratios"]) == set(result["pairs"]) == names
    assert all(ratio > 0 for ratio in result["ratios"].values())
    rows = {"exact_float32", "exact_bf16", "representation_float32", "fixed_float32", "exact_mixed"}
    assert rows < set(result["utilisation"]) and all(0 < result["utilisation"][row] < 2 for row in rows)
    flops = result["utilisation"]["flops"]
    # A step is a forward pass and a backward pass of twice its size, or three of these.
    assert 2.0 < flops["exact"] / flops["fixed"] <= 7 / 3 and 1 <= flops["representation"] / flops["fixed"] < 1.3
    assert result["exact_mixed_over_fixed"] > 0 and result["text_extraction_over_transformers"] > 0
    assert set(result["css_over_sdt_iemocap"]) == {"exact_float32", "exact_mixed", "fixed_float32"}
    assert set(result["memory_mib"]) == {"reference", "library"}
    assert [point["value"] for point in result["growth"]["objectives"]] == [1, 3, 5]
    one = result["graph_ratios"]["m3net"]
    assert 0 < one["lowest"] <= one["ratio"] <= one["highest"] and one["targets"] == [15.0, 20.0]
    assert set(one["seconds"]) == set(one["peak_mib"]) == {"released", "ours"} and min(one["peak_mib"].values()) > 10
    assert "exact_float32" in finished.stdout and "m3net" in finished.stdout
