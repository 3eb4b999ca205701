"""What passes the cut between the two halves of a model, and what must not go round it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from crossspace.balance import Balancer, FixedWeights, ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models import MODELS, Model
from crossspace.objectives.base import Objective, Part
from crossspace.output import Output
from crossspace.training.step import TrainingStep
from tests.models.small import small

MODES: list[Balancer] = [
    FixedWeights(),
    ParetoGradientModulator(),
    ParetoGradientModulator(apply="unit"),
    ParetoGradientModulator(space="representation"),
    ParetoGradientModulator(space="representation", apply="unit"),
    ParetoGradientModulator(every=2),
]
IDS = ["fixed", "parameters", "unit", "representation", "representation unit", "every second"]


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (4, 1, 5, 3), missing=0.2, unlabelled=0.2, dtype=torch.float64)


@pytest.fixture
def model(task: TaskSpec, example: type[Model]) -> Model:
    torch.manual_seed(0)
    return example(task).double()


def step_of(model: Model, balancer: Balancer, objectives: list[Objective] | None = None) -> TrainingStep:
    if objectives is not None:
        model.objectives = lambda: objectives
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, fused=True)
    return TrainingStep(model, balancer, optimizer)


def losses(model: Model, tensors: dict[str, Tensor], batch: Batch) -> list[Tensor]:
    output = model.decode(tensors, batch)
    parts = [objective.parts(output, batch).values() for objective in model.objectives()]
    return [torch.stack([p.total / p.count for p in one]).sum() for one in parts]


@pytest.mark.parametrize("balancer", MODES, ids=IDS)
def test_gradients_of_what_is_encoded_beside_the_modalities_are_those_of_the_whole_graph(
    balancer: Balancer, model: Model, batch: Batch
) -> None:
    step, seen = step_of(model, balancer), {}
    expected = losses(model, model.encode(batch), batch)
    named = dict(model.named_parameters())
    rows = [torch.autograd.grad(loss, list(named.values()), retain_graph=True, allow_unused=True) for loss in expected]
    step.optimizer.register_step_pre_hook(lambda *_: seen.update({n: p.grad.clone() for n, p in named.items()}))
    record = step(batch)
    values = dict(zip(record.names, record.values, strict=True))
    weights = [values[f"weights/{o.name}"] for o in step.objectives]
    for place, name in enumerate(named):
        terms = [w * row[place] for w, row in zip(weights, rows, strict=True) if row[place] is not None]
        torch.testing.assert_close(seen[name], torch.stack(terms).sum(0), rtol=1e-12, atol=1e-12)
    assert seen["pair.weight"].abs().sum() > 0  # it is reached through the pairs alone


def test_all_tensors_that_pass_the_cut_are_compared(model: Model, batch: Batch) -> None:
    record = step_of(model, ParetoGradientModulator(space="representation"))(batch)
    values = dict(zip(record.names, record.values.tolist(), strict=True))
    torch.manual_seed(0)
    fresh = type(model)(model.task).double()
    tensors = {n: x.detach().requires_grad_(x.is_floating_point()) for n, x in fresh.encode(batch).items()}
    leaves = [x for x in tensors.values() if x.requires_grad]
    rows = []
    for loss in losses(fresh, tensors, batch):
        found = torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
        rows.append(
            torch.cat([(torch.zeros_like(x) if g is None else g).flatten() for x, g in zip(leaves, found, strict=True)])
        )
    for name, row in zip(("fused", "unimodal", "shift", "size", "penalty"), rows, strict=True):
        assert values[f"norms/{name}"] == pytest.approx(float(row.norm()), rel=1e-12)
    assert values["norms/shift"] > 0 and values["weights/shift"] > 0  # through the pairs alone
    assert values["norms/penalty"] == 0 == values["weights/penalty"]  # it does not pass the cut


class Kept(Objective):
    """Reads what the encoders computed, round the cut."""

    name = "kept"

    def __init__(self, keeper: dict[str, Tensor]) -> None:
        self.keeper = keeper

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        rows = self.keeper["rows"]
        return {"kept": Part(rows.square().sum(), rows.new_full((), rows.numel()))}


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("balancer", MODES, ids=IDS)
@pytest.mark.parametrize("what", ["returned", "inner"])
def test_a_tensor_that_is_kept_on_the_way_up_is_refused_with_a_word_on_how_to_hand_it_on(
    what: str, balancer: Balancer, parts: int, model: Model, batch: Batch, take: Callable[..., Batch]
) -> None:
    keeper: dict[str, Tensor] = {}
    if what == "inner":
        model.encoders["text"].register_forward_hook(lambda module, inputs, rows: keeper.update(rows=rows))
    else:
        encode = model.encode

        def kept(seen: Batch) -> dict[str, Tensor]:
            tensors = encode(seen)
            keeper.update(rows=tensors["text"])
            return tensors

        model.encode = kept
    step = step_of(model, balancer, [*model.objectives(), Kept(keeper)])
    before = [p.clone() for p in model.parameters()]
    batches = [batch] if parts == 1 else [take(batch, [0, 1]), take(batch, [2, 3])]
    with pytest.raises(UsageError, match=r"'example'.*`encode`.*extras"):
        step(*batches)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_parameters_and_tensors_without_gradient_may_stand_on_both_sides(model: Model, batch: Batch) -> None:
    keeper = {"rows": model.encoders["text"].weight}
    for balancer in MODES:
        step = step_of(model, balancer, [Kept(keeper)])
        assert float(step(batch).broken) == 0


def test_whether_something_goes_round_the_cut_is_looked_at_once_in_every_epoch(
    model: Model, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []
    monkeypatch.setattr("crossspace.training.step.check_cut", lambda *_: looks.append(1))
    step = step_of(model, FixedWeights())
    counts = []
    for epoch in range(2):
        step.begin_epoch(epoch)
        for _ in range(3):
            step(batch)
            counts.append(len(looks))
    assert counts == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("kind", sorted(MODELS))
def test_models_of_the_toolkit_keep_to_the_cut(kind: str, task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    batch = make_batch(task, (4, 1, 5), missing=0.2)
    assert float(step_of(small(MODELS[kind], task), FixedWeights())(batch).broken) == 0
