"""Our graph models and the released way of computing them agree on equal weights, losses and gradients included."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
import torch

from benchmarks.released import m3net
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models import Model
from crossspace.models.m3net import M3NET
from crossspace.output import Output


@pytest.fixture
def own_task() -> TaskSpec:
    """The text has two vectors of four features."""
    return TaskSpec(("x", "y", "z"), {"text": 8, "audio": 5, "visual": 3}, 2, vectors={"text": 2})


def check_same(model: Model, way: Callable[[Batch], Output], batch: Batch, but: str = "none of them") -> None:
    """Logits, parts of all objectives and gradients of their sum agree to 1e-9; of parameters ``but`` no gradients."""
    found = []
    for forward in (model, way):
        output = forward(batch)
        parts = {k: p.total / p.count for o in model.objectives() for k, p in o.parts(output, batch).items()}
        trained = [p for n, p in model.named_parameters() if p.requires_grad and not n.startswith(but)]
        gradients = torch.autograd.grad(torch.stack(list(parts.values())).sum(), trained)
        found.append([output.logits, *parts.values(), *gradients])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-9)


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
    way = partial(m3net.released, model)
    check_same(model, way, make_batch(own_task, (5, 5, 5), dtype=torch.float64))
    without_text(model)
    check_same(model, way, make_batch(own_task, (4, 1, 6), dtype=torch.float64), but="nodes.")
