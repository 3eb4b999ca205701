"""Focal losses against their formulas, term by term."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.focal import FocalLoss, ReleasedFocalLoss
from crossspace.output import Output


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (7, 1, 4), unlabelled=0.3, seed=4, dtype=torch.float64)


@pytest.fixture
def output(batch: Batch, task: TaskSpec) -> Output:
    random = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(len(batch), len(task.labels), generator=random, dtype=torch.float64)
    return Output(logits.requires_grad_())


def test_the_focal_loss_is_its_formula(batch: Batch, output: Output) -> None:
    weights, expected = (0.5, 2.0, 3.0), []
    for label, p in zip(batch.labels.tolist(), output.logits.softmax(1).tolist(), strict=True):
        if label >= 0:
            expected.append(-weights[label] * (1 - p[label]) ** 1.5 * math.log(p[label]))
    (part,) = FocalLoss(1.5).parts(output, batch, torch.tensor(weights)).values()
    assert part.total.item() == pytest.approx(sum(expected)) and int(part.count) == len(expected)


def test_at_gamma_zero_it_is_cross_entropy(batch: Batch, output: Output) -> None:
    (focal,), (plain,) = (o.parts(output, batch).values() for o in (FocalLoss(0.0), CrossEntropy()))
    assert torch.allclose(focal.total, plain.total, atol=1e-12) and torch.equal(focal.count, plain.count)


def test_a_detached_factor_weighs_and_has_no_slope_of_its_own(batch: Batch, output: Output) -> None:
    slopes, values = [], []
    for detached in (False, True):
        (part,) = FocalLoss(2.0, detach_factor=detached).parts(output, batch).values()
        values.append(float(part.total))
        slopes.append(torch.autograd.grad(part.total, output.logits)[0])
    p = output.logits.softmax(1).gather(1, batch.labels.clamp(min=0)[:, None]).detach()
    (plain,) = CrossEntropy().parts(output, batch).values()
    alone = torch.autograd.grad(plain.total, output.logits)[0]
    assert values[0] == values[1]
    assert torch.allclose(slopes[1], (1 - p) ** 2 * alone) and not torch.allclose(slopes[0], slopes[1])


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_certainty_costs_nothing_and_has_a_finite_slope(batch: Batch, gamma: float) -> None:
    logits = torch.zeros(len(batch), 3, dtype=torch.float64)
    logits[torch.arange(len(batch)), batch.labels.clamp(min=0)] = 1e6
    logits.requires_grad_()
    (part,) = FocalLoss(gamma).parts(Output(logits), batch).values()
    assert float(part.total) == 0 and torch.autograd.grad(part.total, logits)[0].isfinite().all()


def test_the_released_loss_has_a_term_for_every_class(batch: Batch, output: Output) -> None:
    expected, rows = 0.0, 0
    for label, p in zip(batch.labels.tolist(), output.logits.softmax(1).tolist(), strict=True):
        if label >= 0:
            rows += 1
            expected += sum(-((1 - (c == label) * math.log(q)) ** 2.5) * math.log(q) for c, q in enumerate(p))
    (part,) = ReleasedFocalLoss().parts(output, batch, torch.tensor([9.0, 9.0, 9.0])).values()
    assert float(part.total / part.count) == pytest.approx(expected / (3 * rows))


def test_the_released_loss_is_least_far_from_certainty() -> None:
    """For seven classes the right one ends at 0.529 (found numerically by whoever described the released code)."""
    x = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    batch = Batch({}, {}, torch.tensor([1]), torch.zeros(1, dtype=torch.long), torch.zeros(1, dtype=torch.long))
    descent = torch.optim.LBFGS([x], max_iter=200, tolerance_grad=1e-12)

    def loss() -> torch.Tensor:
        descent.zero_grad()
        (part,) = ReleasedFocalLoss().parts(Output(torch.cat([x, x.new_zeros(6)])[None]), batch).values()
        part.total.backward()
        return part.total

    descent.step(loss)
    assert float(torch.cat([x, x.new_zeros(6)]).softmax(0)[0].detach()) == pytest.approx(0.529, abs=5e-4)
