"""A step taken in micro-batches is that of the whole batch."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import Tensor

from crossspace.balance import (
    BALANCERS,
    FAMO,
    Balancer,
    FixedWeights,
    ParetoGradientModulator,
    UncertaintyWeights,
)
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models import Model
from crossspace.models.css import CSS
from crossspace.nn.batch_norm import BatchNorm
from crossspace.training.step import TrainingStep
from tests.training import worker

DIVISIONS = ([[0, 3], [1, 2, 4]], [[2], [], [4, 0, 1], [3]])
PARTICULAR = {
    "representation": lambda: ParetoGradientModulator("representation"),
    "unit": lambda: ParetoGradientModulator(apply="unit"),
    "representation unit": lambda: ParetoGradientModulator("representation", "unit"),
    "every second": lambda: ParetoGradientModulator(every=2),
    "learning famo": lambda: FAMO(learning_rate=0.1),
    "learning uncertainty": lambda: UncertaintyWeights(learning_rate=0.1),
    "other values": lambda: FixedWeights([1.0, 0.5, 2.0]),
}


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (4, 1, 5, 3, 2), missing=0.2, unlabelled=0.2, dtype=torch.float64)


@pytest.fixture
def build(task: TaskSpec, example: type[Model], stranger: type[Model]) -> Callable[..., TrainingStep]:
    def made(balancer: Balancer, kind: str = "css", dropout: float = 0.0, **arguments: object) -> TrainingStep:
        torch.manual_seed(0)
        small = {"width": 8, "heads": 2, "fusion": {"rank": 4, "order": 2}}
        kinds = {"css": partial(CSS, **small), "example": example}
        model = stranger(task) if kind == "stranger" else kinds[kind](task, dropout=dropout, **arguments)
        model = model.double()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-3, fused=True)
        return TrainingStep(model, balancer, optimizer, torch.tensor([0.5, 2.0, 1.0]), clip=0.5)

    return made


def balancer_of(name: str) -> Balancer:
    return PARTICULAR[name]() if name in PARTICULAR else BALANCERS[name]()


def compare(whole: TrainingStep, divided: TrainingStep, batch: Batch, parts: Sequence[Batch], epochs: int = 3) -> None:
    for epoch in range(epochs):
        ends = []
        for step, batches in ((whole, [batch]), (divided, parts)):
            torch.manual_seed(epoch)
            step.begin_epoch(epoch)
            ends.append(step(*batches))
        a, b = ends
        assert a.names == b.names and float(a.broken) == float(b.broken) == 0
        torch.testing.assert_close(a.values, b.values, rtol=1e-9, atol=1e-12)
    for p, q in zip(whole.model.state_dict().values(), divided.model.state_dict().values(), strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [*BALANCERS, *PARTICULAR])
def test_every_balancer_takes_the_step_of_the_whole_batch(
    name: str, build: Callable[..., TrainingStep], batch: Batch, take: Callable[..., Batch]
) -> None:
    parts = [take(batch, chosen) for chosen in DIVISIONS[1]]
    compare(build(balancer_of(name)), build(balancer_of(name)), batch, parts)


@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize("name", ["pgm", "representation", "fixed"])
def test_further_tensors_and_modulation_add_up_too(
    name: str, modulated: bool, build: Callable[..., TrainingStep], batch: Batch, take: Callable[..., Batch]
) -> None:
    for division in DIVISIONS:
        parts = [take(batch, chosen) for chosen in division]
        whole, divided = (build(balancer_of(name), "example", modulated=modulated) for _ in range(2))
        compare(whole, divided, batch, parts)


@pytest.mark.parametrize("name", [*BALANCERS, *PARTICULAR])
def test_a_model_from_outside_with_pairs_a_past_and_a_loss_on_its_encoder_takes_four_micro_batches(
    name: str, build: Callable[..., TrainingStep], batch: Batch, take: Callable[..., Batch]
) -> None:
    parts = [take(batch, chosen) for chosen in ([0], [3, 1], [2], [4])]
    whole, divided = (build(balancer_of(name), "stranger") for _ in range(2))
    assert [o.name for o in whole.objectives] == ["doubled", "turning", "calm"]
    compare(whole, divided, batch, parts)


@pytest.mark.parametrize("name", ["pgm", "representation", "fixed"])
def test_random_numbers_repeat_so_that_the_gradient_is_that_of_the_losses_written_down(
    name: str, build: Callable[..., TrainingStep], batch: Batch, take: Callable[..., Batch]
) -> None:
    step, plain = (build(balancer_of(name), dropout=0.4) for _ in range(2))
    step.update.clip = None
    parts = [take(batch, chosen) for chosen in DIVISIONS[0]]
    seen: list[Tensor] = []
    step.optimizer.register_step_pre_hook(lambda *_: seen.extend(p.grad.clone() for p in step.model.parameters()))
    torch.manual_seed(7)
    record = step(*parts)
    after = torch.rand(1)
    torch.manual_seed(7)
    outputs = [plain.model(part) for part in parts]
    assert torch.equal(torch.rand(1), after)  # the next step draws other numbers
    weights = dict(zip(record.names, record.values, strict=True))
    total = torch.zeros((), dtype=torch.float64)
    for objective in plain.objectives:
        named = [objective.parts(o, b, plain.class_weights) for o, b in zip(outputs, parts, strict=True)]
        for part in named[0]:
            mean = sum(n[part].total for n in named) / sum(n[part].count for n in named)
            torch.testing.assert_close(mean.detach(), weights[f"parts/{part}"], rtol=1e-12, atol=1e-12)
            total = total + weights[f"weights/{objective.name}"] * mean
    expected = torch.autograd.grad(total, list(plain.model.parameters()))
    assert len(seen) == len(expected)
    for a, b in zip(seen, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


def test_a_micro_batch_that_is_not_finite_refuses_the_whole_step(
    build: Callable[..., TrainingStep], batch: Batch, take: Callable[..., Batch]
) -> None:
    parts = [take(batch, chosen) for chosen in DIVISIONS[0]]
    spoilt = {m: torch.full_like(x, torch.inf) for m, x in parts[0].features.items()}
    for name in ("pgm", "representation", "fixed"):
        step = build(balancer_of(name))
        before = {k: v.clone() for k, v in step.model.state_dict().items()}
        assert float(step(replace(parts[0], features=spoilt), parts[1]).broken) == 1
        assert all(torch.equal(v, before[k]) for k, v in step.model.state_dict().items())
        assert float(step(*parts).broken) == 0


class Passes:
    """Counts the calls of the two halves of a model."""

    def __init__(self, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
        self.counts = {"encode": 0, "decode": 0}
        for name in self.counts:
            monkeypatch.setattr(model, name, self.counting(name, getattr(model, name)))

    def counting(self, name: str, half: Callable) -> Callable:
        def counted(*arguments: object) -> object:
            self.counts[name] += 1
            return half(*arguments)

        return counted


def test_a_whole_batch_is_encoded_once_and_a_micro_batch_twice(
    build: Callable[..., TrainingStep], batch: Batch, take: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pgm", "representation", "fixed"):
        step = build(balancer_of(name))
        step(batch)  # the first step looks at the graph
        passes = Passes(step.model, monkeypatch)
        step(batch)
        assert passes.counts == {"encode": 1, "decode": 1}
        step(*(take(batch, chosen) for chosen in DIVISIONS[0]))
        assert passes.counts == {"encode": 5, "decode": 5}


def peak(step: TrainingStep, batches: Sequence[Batch]) -> int:
    """The most numbers that graphs held at one time."""
    held, most = 0, 0

    class Kept:
        def __init__(self, tensor: Tensor) -> None:
            nonlocal held, most
            self.tensor = tensor.detach()  # an output would hold its own graph
            held += tensor.numel()
            most = max(most, held)
            weakref.finalize(self, release, tensor.numel())

    def release(count: int) -> None:
        nonlocal held
        held -= count

    with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
        step(*batches)
    return most


@pytest.mark.parametrize("name", ["pgm", "representation", "fixed"])
def test_graphs_of_one_micro_batch_alone_are_in_memory(
    name: str,
    build: Callable[..., TrainingStep],
    task: TaskSpec,
    make_batch: Callable[..., Batch],
    take: Callable[..., Batch],
) -> None:
    batch = make_batch(task, (30,) * 8, dtype=torch.float64)
    step = build(balancer_of(name))
    parts = [take(batch, [i]) for i in range(8)]
    step(*parts)  # the first step looks at the graph
    alone = peak(step, parts[:1])
    assert peak(step, parts) <= alone
    assert peak(step, [batch]) > 4 * alone


@pytest.mark.parametrize(("argument", "reason"), [("contrast", "contrast"), ("norm", "normalisation")])
def test_what_needs_the_whole_batch_is_refused_before_anything_changes(
    argument: str, reason: str, build: Callable[..., TrainingStep], batch: Batch, take: Callable[..., Batch]
) -> None:
    step = build(FixedWeights(), "example", **{argument: True})
    before = {k: v.clone() for k, v in step.model.state_dict().items()}
    with pytest.raises(UsageError, match=f"accumulate.*{reason}"):
        step(*(take(batch, chosen) for chosen in DIVISIONS[0]))
    assert all(torch.equal(v, before[k]) for k, v in step.model.state_dict().items())
    assert float(step(batch).broken) == 0


@pytest.mark.parametrize("case", worker.EVERY_MODEL)
def test_every_model_takes_the_step_of_the_whole_batch_or_refuses_with_the_reason(case: str) -> None:
    whole, divided = (step_of(worker.build(case)) for _ in range(2))
    parts = [worker.batch(chosen, 0) for chosen in ([2, 0], [], [4, 1, 3])]
    if reason := needs_the_whole_batch(divided.model):
        with pytest.raises(UsageError, match=f"accumulate.*{reason}"):
            divided(*parts)
        return
    compare(whole, divided, worker.batch([2, 0, 4, 1, 3], 0), parts, epochs=1)


def step_of(model: Model) -> TrainingStep:
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, eps=1e-4, fused=True)
    return TrainingStep(model, FixedWeights(), optimizer, torch.tensor([0.5, 2.0, 1.0]))


def needs_the_whole_batch(model: Model) -> str | None:
    """What of a model does not add up over parts of a batch, by what it is built of."""
    apart = next((o.name for o in model.objectives() if not o.separable), None)
    if apart or any(isinstance(m, BatchNorm) for m in model.modules()):
        return apart or "normalisation"
    return "places" if any(getattr(m, "by_position", False) for m in model.modules()) else None
