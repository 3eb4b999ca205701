"""A balancer that looks back sees what the step did to its own batch, and leaves no other trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from crossspace.balance import FixedWeights
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models import Model
from crossspace.training.step import TrainingStep


class LookingBack(FixedWeights):
    """Equal weights; keeps what it is given."""

    looks_back = True

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Tensor] = []

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        self.seen.append(losses.clone())
        return super().weights(losses)

    def look_back(self, losses: Tensor) -> None:
        self.seen.append(losses)


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (4, 1, 5, 3, 2), missing=0.2, unlabelled=0.2, dtype=torch.float64)


@pytest.fixture
def build(task: TaskSpec, example: type[Model]) -> Callable[..., TrainingStep]:
    def made(balancer: FixedWeights, rate: float, **arguments: object) -> TrainingStep:
        torch.manual_seed(0)
        model = example(task, **arguments).double()
        return TrainingStep(model, balancer, torch.optim.Adam(model.parameters(), lr=rate, fused=True))

    return made


@pytest.mark.parametrize("parts", [1, 2])
def test_without_a_step_the_losses_are_those_of_before_in_spite_of_dropout(
    parts: int, build: Callable[..., TrainingStep], batch: Batch, take: Callable[..., Batch]
) -> None:
    balancer = LookingBack()
    step = build(balancer, 0.0, dropout=0.4)
    step.begin_epoch(0)
    for _ in range(2):
        step(*([batch] if parts == 1 else [take(batch, [0, 3]), take(batch, [1, 2, 4])]))
    first, again, second, last = balancer.seen
    assert torch.equal(first, again) and torch.equal(second, last)
    assert not torch.equal(first, second), "dropout should differ from step to step"


def test_after_a_step_the_losses_are_those_of_the_new_parameters(
    build: Callable[..., TrainingStep], batch: Batch
) -> None:
    balancer = LookingBack()
    step = build(balancer, 1e-2, dropout=0.0)
    step.begin_epoch(0)
    step(batch)
    step(batch)
    before, after, next_, _ = balancer.seen
    assert not torch.equal(before, after)
    torch.testing.assert_close(after, next_)


def test_looking_back_changes_neither_the_training_nor_random_numbers_nor_running_statistics(
    build: Callable[..., TrainingStep], batch: Batch
) -> None:
    ends = []
    for balancer in (FixedWeights(), LookingBack()):
        step = build(balancer, 1e-2, dropout=0.4, norm=True)
        torch.manual_seed(3)
        step.begin_epoch(0)
        for _ in range(3):
            step(batch)
        ends.append([*step.model.state_dict().values(), torch.rand(1)])
    for a, b in zip(*ends, strict=True):
        assert torch.equal(a, b)
