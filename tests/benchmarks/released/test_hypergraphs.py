"""The released ways of M3NET and HAUCL in conversations of unequal lengths, and with weights by position."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from benchmarks.agreement import differences
from benchmarks.released import m3net
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.m3net import M3NET


@pytest.fixture
def own_task() -> TaskSpec:
    """The text has two vectors of four features."""
    return TaskSpec(("x", "y", "z"), {"text": 8, "audio": 5, "visual": 3}, 2, vectors={"text": 2})


def without_text(model: M3NET) -> None:
    """Make nothing of the text but its speaker, so that no padding is read."""
    with torch.no_grad():
        for name, parameter in model.nodes.named_parameters():
            if ("bias" in name and not name.startswith("projection")) or "norm" in name:
                parameter.zero_()


@pytest.mark.parametrize("weights", ["shared", "by-position"])
def test_m3net(weights: str, own_task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    torch.manual_seed(0)
    model = M3NET(own_task, width=8, graph_width=6, dropout=0.0, weights=weights).double()  # type: ignore[arg-type]
    with torch.no_grad():
        for parameter in model.hyper_weights.parameters():
            parameter.add_(torch.rand_like(parameter))
    without_text(model)
    apart = differences(model, m3net.released, make_batch(own_task, (4, 1, 6)))
    # What is behind the zeros of the text has gradients from the padding, which the release reads.
    assert max(x for name, x in apart.items() if not name.startswith("nodes.")) < 1e-9
    assert len(apart) > 10
