"""Two processes take the same step as one; batches are shared out fairly."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.training import processes
from crossspace.training.checks import objectives_of
from crossspace.training.processes import reducer, share
from tests.training import worker

pytestmark = pytest.mark.long

_ROOT = Path(__file__).parents[2]
_WORDS = [sys.executable, "-m", "tests.training.worker"]


@pytest.fixture(scope="module")
def two(once: Callable[..., Path]) -> list[dict]:
    """What either of two gloo processes ended with, case by case."""
    out = once("two-processes", both_processes)
    return [torch.load(out / f"{rank}.pt", weights_only=True) for rank in range(2)]


def both_processes(out: Path) -> None:
    words = [[*_WORDS, str(rank), "2", str(out / "store"), str(out)] for rank in range(2)]
    running = [subprocess.Popen(w, stderr=subprocess.PIPE, text=True, cwd=_ROOT) for w in words]
    try:
        for process in running:
            assert process.wait(timeout=600) == 0, process.stderr.read()
    finally:
        for process in running:
            process.kill()


@pytest.mark.parametrize("case", list(worker.CASES))
def test_two_processes_take_the_step_of_one_with_the_whole_batch_and_end_bitwise_the_same(
    case: str, two: list[dict]
) -> None:
    one, other = (rank[case] for rank in two)
    if whole_batch_in_one_place(case):
        assert one == other and "one process only" in one["refused"] and "`--processes 1`" in one["refused"]
        return
    alone = worker.train(case)
    for found in (one, other):
        assert found["names"] == alone["names"] and not any(found["broken"])
        for a, b in zip(found["values"], alone["values"], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
            weights = [i for i, name in enumerate(alone["names"]) if name.startswith("weights/")]
            torch.testing.assert_close(a[weights], b[weights], rtol=0, atol=1e-12)
        for name, parameter in alone["model"].items():
            torch.testing.assert_close(found["model"][name], parameter, rtol=0, atol=1e-12)
    for a, b in zip(one["model"].values(), other["model"].values(), strict=True):
        assert torch.equal(a, b)


def whole_batch_in_one_place(case: str) -> bool:
    """Whether the model of a case says that it cannot be divided over processes."""
    model = worker.build(case)
    return any(not o.separable and not o.gathers for o in objectives_of(model)) or any(
        getattr(m, "by_position", False) for m in model.modules()
    )


def test_a_single_process_reduces_nothing() -> None:
    assert reducer() is None


@pytest.mark.parametrize("step", [1, -1])
def test_data_types_are_exchanged_in_the_order_in_which_they_come(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dtypes = [torch.float64, torch.int64, torch.float32, torch.int32, torch.bfloat16][::step]
    seen: list[torch.dtype] = []
    monkeypatch.setattr(processes.dist, "all_reduce", lambda buffer: seen.append(buffer.dtype))
    processes._sum_in_place([torch.ones(2, dtype=d) for d in dtypes * 2])
    assert seen == dtypes


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.integers(1, 5), st.randoms())
@settings(max_examples=60)
def test_shares_divide_the_batch_and_are_balanced(lengths: list[int], world: int, random: object) -> None:
    indices = list(range(len(lengths)))
    random.shuffle(indices)
    indices = indices[: max(1, len(indices) - 2)]
    parts = [share(indices, lengths, rank, world) for rank in range(world)]
    assert sorted(i for part in parts for i in part) == sorted(indices)
    loads = [sum(lengths[i] for i in part) for part in parts]
    assert max(loads) - min(loads) <= max(lengths[i] for i in indices)
