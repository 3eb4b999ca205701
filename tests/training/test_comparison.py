"""Comparing objectives by cheaper passes: the weights hardly move, and what is applied is not touched."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from crossspace.balance import Balancer, FixedWeights, ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.css import CSS
from crossspace.nn import linear
from crossspace.training.step import TrainingStep


@pytest.fixture(autouse=True)
def every_product_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "_WORTHWHILE", 1)


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (4, 1, 5, 3, 2), missing=0.2)


@pytest.fixture
def model(task: TaskSpec) -> CSS:
    torch.manual_seed(0)
    return CSS(task, width=16, heads=2, fusion={"rank": 4, "order": 2}, dropout=0.3)


def gradients(
    model: CSS, balancer: Balancer, *batches: Batch, **options: object
) -> tuple[Tensor, dict[str, Tensor | None]]:
    """The weights of a step, and the gradient that would have been applied."""
    model = copy.deepcopy(model).train()
    step = TrainingStep(model, balancer, torch.optim.Adam(model.parameters(), fused=True), **options)  # type: ignore[arg-type]
    step.update = lambda *args, **kwargs: None  # type: ignore[assignment]
    torch.manual_seed(1)
    step(*batches)
    assert step.weights is not None
    return step.weights, {name: p.grad for name, p in model.named_parameters()}


def assert_equal(one: dict[str, Tensor | None], other: dict[str, Tensor | None], within: float = 1e-6) -> None:
    scale = max(float(g.abs().max()) for g in one.values() if g is not None)
    for name, gradient in one.items():
        theirs = other[name]
        assert (gradient is None) == (theirs is None), name
        if gradient is not None and theirs is not None:
            assert float((gradient - theirs).abs().max()) <= within * scale, name


def test_the_applied_gradient_is_that_of_float32_under_the_same_weights(model: CSS, batch: Batch) -> None:
    weights, cheap = gradients(model, ParetoGradientModulator(), batch, compare=torch.bfloat16)
    _, fixed = gradients(model, FixedWeights(weights.tolist()), batch)
    assert_equal(fixed, cheap)


def test_the_weights_hardly_move_and_do_move(model: CSS, batch: Batch) -> None:
    exact, _ = gradients(model, ParetoGradientModulator(), batch)
    cheap, _ = gradients(model, ParetoGradientModulator(), batch, compare=torch.bfloat16)
    assert 0 < float((exact - cheap).abs().max()) <= 0.005


def test_micro_batches_give_the_step_of_the_whole(model: CSS, batch: Batch, take: Callable[..., Batch]) -> None:
    still = CSS(model.task, width=16, heads=2, fusion={"rank": 4, "order": 2}, dropout=0.0)
    still.load_state_dict(model.state_dict())
    weights, whole = gradients(still, ParetoGradientModulator(), batch, compare=torch.bfloat16)
    parts = [take(batch, places) for places in ([0, 3], [1, 2, 4])]
    again, divided = gradients(still, ParetoGradientModulator(), *parts, compare=torch.bfloat16)
    assert float((weights - again).abs().max()) <= 0.005
    _, fixed = gradients(still, FixedWeights(again.tolist()), batch)
    assert_equal(fixed, divided)
    assert_equal(fixed, whole, within=0.02)


def test_sums_over_processes_are_made_once(model: CSS, batch: Batch) -> None:
    """Of one process they change nothing; made twice, of tensors that are shared, they would."""
    counted: list[int] = []
    weights, alone = gradients(model, ParetoGradientModulator(), batch, compare=torch.bfloat16)
    again, summed = gradients(
        model,
        ParetoGradientModulator(),
        batch,
        compare=torch.bfloat16,
        reduce=lambda tensors: counted.append(len({t.data_ptr() for t in tensors}) - len(tensors)),
    )
    torch.testing.assert_close(weights, again, rtol=0, atol=0)
    assert_equal(alone, summed, within=0)
    assert counted and not any(counted)


@pytest.mark.parametrize("balancer", [FixedWeights(), ParetoGradientModulator("representation")])
def test_where_no_parameters_are_compared_nothing_changes(model: CSS, batch: Batch, balancer: Balancer) -> None:
    _, plain = gradients(model, copy.deepcopy(balancer), batch)
    _, cheap = gradients(model, copy.deepcopy(balancer), batch, compare=torch.bfloat16)
    assert_equal(plain, cheap)


def test_double_precision_is_compared_in_its_own(model: CSS, task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    doubled = make_batch(task, (4, 1, 5), dtype=torch.float64)
    exact, applied = gradients(model.double(), ParetoGradientModulator(), doubled)
    weights, cheap = gradients(model.double(), ParetoGradientModulator(), doubled, compare=torch.bfloat16)
    torch.testing.assert_close(exact, weights, rtol=1e-12, atol=1e-12)
    assert_equal(applied, cheap, within=1e-12)
