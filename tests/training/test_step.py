"""One training step: what it changes, what it refuses, what it writes down."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from crossspace.balance import (
    Balancer,
    DynamicWeightAverage,
    FixedWeights,
    NashMTL,
    ParetoGradientModulator,
    UncertaintyWeights,
)
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models import MODELS, Model
from crossspace.models.css import CSS
from crossspace.training.step import TrainingStep
from tests.models.small import small

Make = Callable[..., TrainingStep]


@pytest.fixture
def make_step(task: TaskSpec) -> Make:
    def build(
        balancer: Balancer | None = None, clip: float | None = None, model: Model | None = None, rate: float = 1e-2
    ) -> TrainingStep:
        if model is None:
            torch.manual_seed(0)
            model = CSS(task, width=8, heads=2, fusion={"order": 2, "rank": 4}, dropout=0.0)
        optimizer = torch.optim.Adam(model.parameters(), lr=rate, weight_decay=1e-5, fused=True)
        return TrainingStep(model, balancer or ParetoGradientModulator(), optimizer, clip=clip)

    return build


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (4, 1, 5), missing=0.2, unlabelled=0.2)


def snapshot(step: TrainingStep) -> list[torch.Tensor]:
    state = step.optimizer.state_dict()["state"]
    moments = [x for values in state.values() for x in values.values()]
    return [x.clone() for x in (*step.model.state_dict().values(), *moments)]


@pytest.mark.parametrize("kind", sorted(MODELS))
@pytest.mark.parametrize(
    "balancer", [ParetoGradientModulator(), ParetoGradientModulator("representation"), FixedWeights()]
)
def test_frozen_parameters_stay_as_they_are_and_the_others_move(
    kind: str, balancer: Balancer, make_step: Make, task: TaskSpec, batch: Batch
) -> None:
    torch.manual_seed(0)
    model = small(MODELS[kind], task)
    named = dict(model.named_parameters())
    frozen = [name for place, name in enumerate(named) if place % 2 == 0]
    for name in frozen:
        named[name].requires_grad_(False)
    before = {name: p.clone() for name, p in named.items()}
    make_step(balancer, model=model)(batch)
    assert all(torch.equal(named[name], before[name]) for name in frozen)
    assert any(not torch.equal(named[name], before[name]) for name in named if name not in frozen)


@pytest.mark.parametrize("kind", ["css", "dialoguernn"])
def test_a_model_whose_encoders_are_all_frozen_still_trains_its_heads(
    kind: str, make_step: Make, task: TaskSpec, batch: Batch
) -> None:
    model = small(MODELS[kind], task)
    for parameter in model.shared_parameters():
        parameter.requires_grad_(False)
    before = [p.clone() for p in model.parameters()]
    record = make_step(model=model)(batch)
    moved = [not torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True)]
    assert not float(record.broken) and any(moved)


@pytest.mark.parametrize("clip", [None, 0.5])
@pytest.mark.parametrize(
    "balancer",
    [
        ParetoGradientModulator(),
        ParetoGradientModulator("representation"),
        FixedWeights(),
        NashMTL(),
        UncertaintyWeights(),
        DynamicWeightAverage(),
    ],
)
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_step_that_is_not_finite_leaves_everything_bitwise_as_it_was(
    make_step: Make, batch: Batch, bad: float, balancer: Balancer, clip: float | None
) -> None:
    step = make_step(balancer, clip)
    assert float(step(batch).broken) == 0
    before = snapshot(step)
    features = {m: x.clone() for m, x in batch.features.items()}
    row = int(torch.nonzero(batch.present["audio"] & (batch.labels >= 0))[0])
    features["audio"][row, 0] = bad
    record = step(replace(batch, features=features))
    assert float(record.broken) == 1
    assert all(torch.equal(a, b) for a, b in zip(before, snapshot(step), strict=True))
    assert all(p.grad is None for p in step.model.parameters())
    assert float(step(batch).broken) == 0
    assert not all(torch.equal(a, b) for a, b in zip(before, snapshot(step), strict=True))


def test_loss_goes_down_on_a_batch_that_is_seen_again_and_again(make_step: Make, batch: Batch) -> None:
    for balancer in (ParetoGradientModulator(), ParetoGradientModulator(apply="unit"), FixedWeights()):
        step = make_step(balancer, rate=3e-2)
        losses = [float(step(batch).values[0]) for _ in range(10)]
        assert losses[-1] < 0.7 * losses[0]


def test_clipping_bounds_the_norm_of_the_whole_gradient(make_step: Make, batch: Batch, task: TaskSpec) -> None:
    moved = {}
    for clip in (None, 1e9, 0.01):
        torch.manual_seed(0)
        model = CSS(task, width=8, heads=2, fusion={"order": 2, "rank": 4}, dropout=0.0).double()
        step = make_step(FixedWeights(), clip, model)
        seen = []
        step.optimizer.register_step_pre_hook(
            lambda *_, seen=seen, model=model: seen.append(
                torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]).norm()
            )
        )
        step(replace(batch, features={m: x.double() for m, x in batch.features.items()}))
        moved[clip] = float(seen[0])
    assert moved[None] == moved[1e9] > 0.1
    assert moved[0.01] == pytest.approx(0.01, rel=1e-3)


def test_weights_are_renewed_on_every_third_step_only(make_step: Make, batch: Batch) -> None:
    step = make_step(ParetoGradientModulator(every=3))
    records = [step(batch) for _ in range(7)]
    weights = [r.values[[n.startswith("weights/") for n in r.names]].tolist() for r in records]
    renewed = [any(n.startswith("norms/") for n in r.names) for r in records]
    assert renewed == [True, False, False, True, False, False, True]
    assert weights[0] == weights[1] == weights[2] != weights[3] == weights[4] == weights[5] != weights[6]


def test_state_between_two_renewals_can_be_carried_over(make_step: Make, batch: Batch) -> None:
    straight, first = (make_step(ParetoGradientModulator(every=3)) for _ in range(2))
    for _ in range(5):
        straight(batch)
    for _ in range(2):
        first(batch)
    second = make_step(ParetoGradientModulator(every=3), model=copy.deepcopy(first.model))
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(first.state_dict())
    for _ in range(3):
        second(batch)
    assert all(torch.equal(a, b) for a, b in zip(snapshot(straight), snapshot(second), strict=True))


def test_record_says_losses_parts_weights_norms_and_cosines(make_step: Make, batch: Batch) -> None:
    step = make_step()
    output = step.model(batch)
    record = step(batch)
    found = dict(zip(record.names, record.values.tolist(), strict=True))
    names = ("fused", "unimodal", "distillation")
    parts = ["fused", *(f"{n}.{m}" for n in names[1:] for m in batch.features)]
    expected = {f"{kind}/{n}" for kind in ("losses", "weights", "norms") for n in names} | {f"parts/{n}" for n in parts}
    cosines = {"cosines/fused/unimodal", "cosines/fused/distillation", "cosines/unimodal/distillation"}
    assert set(found) == expected | cosines
    for objective in step.objectives:
        means = {n: float((p.total / p.count).detach()) for n, p in objective.parts(output, batch).items()}
        assert found[f"losses/{objective.name}"] == pytest.approx(sum(means.values()), rel=1e-5)
        for name, value in means.items():
            assert found[f"parts/{name}"] == pytest.approx(value, rel=1e-5)
    assert sum(found[f"weights/{n}"] for n in names) == pytest.approx(1)
    assert all(-1 <= found[c] <= 1 for c in cosines)


def test_rows_without_labels_alone_move_nothing_but_weight_decay(
    make_step: Make, task: TaskSpec, make_batch: Callable
) -> None:
    step = make_step()
    record = step(make_batch(task, (3,), unlabelled=1.0))
    assert float(record.broken) == 0
    assert all(torch.isfinite(p).all() for p in step.model.parameters())


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_batch_of_no_rows_is_a_step_that_does_no_harm(
    make_step: Make, task: TaskSpec, make_batch: Callable, name: str
) -> None:
    for balancer in (ParetoGradientModulator(), ParetoGradientModulator("representation"), FixedWeights()):
        step = make_step(balancer, model=small(MODELS[name], task))
        assert float(step(make_batch(task, ())).broken) == 0


def test_bfloat16_forward_keeps_parameters_and_their_gradients_in_float32(task: TaskSpec, batch: Batch) -> None:
    torch.manual_seed(0)
    model = CSS(task, width=8, heads=2, fusion={"rank": 4}, dropout=0.1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    autocast = lambda: torch.autocast("cpu", dtype=torch.bfloat16)  # noqa: E731
    step = TrainingStep(model, ParetoGradientModulator(), optimizer, autocast=autocast)
    records = [step(batch) for _ in range(3)]
    assert all(float(r.broken) == 0 for r in records)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
