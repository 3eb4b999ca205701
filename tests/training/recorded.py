"""Trainings of a few steps, recorded and not, to be compared."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from crossspace.balance import Balancer
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models import Model
from crossspace.models.css import CSS
from crossspace.models.sdt import SDT
from crossspace.objectives.modulation import DominantModality
from crossspace.training.graphs import GraphedStep
from crossspace.training.options import TrainingOptions
from crossspace.training.rates import Rates
from crossspace.training.recorders import CudaRecorder
from crossspace.training.step import TrainingStep
from crossspace.training.step_record import StepRecord
from tests.models.small import small
from tests.training.tape import TapeRecorder

SHAPES = ((5, 3), (4, 4), (33, 2), (2, 7), (40,), (6, 5), (3, 3, 3))
"""Batches of two buckets, in turn."""


class Modulated(SDT):
    """SDT whose gradients are scaled from the second epoch on."""

    def modulation(self) -> DominantModality:
        """By the modality that is ahead."""
        return DominantModality(dict.fromkeys(self.task.modalities[:1], "projection"), alpha=0.5, start=1)


class Run:
    """A training of a few steps, recorded or not.

    Args:
        graphs: whether steps are recorded: on the processor on tapes.
        options: of the step.
    """

    def __init__(
        self,
        task: TaskSpec,
        make_batch: Callable[..., Batch],
        graphs: bool,
        balancer: Balancer,
        dtype: torch.dtype = torch.float64,
        dropout: float = 0.0,
        kind: type[Model] = CSS,
        training: dict[str, Any] | None = None,
        most: int = 32,
        device: str = "cpu",
        **options: Any,
    ) -> None:
        torch.manual_seed(0)
        self.model = small(kind, task, dropout=dropout, corruption=None).to(device, dtype).train()
        # Of the rates half, quarter, ..., which float32 holds as well.
        training = {"learning_rate": 2**-7, "weight_decay": 1e-3, **(training or {})}
        self.rates = Rates(self.model, TrainingOptions(graphs=graphs, **training), steps=20)
        ordinary = TrainingStep(self.model, copy.deepcopy(balancer), self.rates.optimizer, **options)
        on_cuda = torch.device(device).type == "cuda"
        self.recorder: Any = CudaRecorder(torch.device(device)) if on_cuda else TapeRecorder()
        self.step = GraphedStep(ordinary, self.recorder, most) if graphs else ordinary
        self._make = partial(make_batch, task, missing=0.2, unlabelled=0.2, dtype=dtype)
        self.device, self.done = torch.device(device), 0

    def batch(self, lengths: Sequence[int], seed: int = 0) -> Batch:
        return self._make(lengths=lengths, seed=seed).to(self.device)

    def take(self, shapes: Sequence[tuple[int, ...]] = SHAPES, until: int | None = None) -> list[StepRecord]:
        records = []
        for shape in shapes[self.done : until]:
            if self.done % 4 == 0:
                self.step.begin_epoch(self.done // 4)
            for group in self.rates.optimizer.param_groups:
                assert isinstance(group["lr"], torch.Tensor) == isinstance(self.step, GraphedStep)
            torch.manual_seed(self.done)
            self.rates.set(self.done)
            records.append(self.step(self.batch(lengths=shape, seed=self.done)))
            self.done += 1
        return records

    def state(self) -> dict[str, Any]:
        return copy.deepcopy({"rates": self.rates.state_dict(), "step": self.step.state_dict(), "done": self.done})

    def go_on(self, model: Model, state: dict[str, Any]) -> None:
        self.model.load_state_dict(model.state_dict())
        self.rates.load_state_dict(copy.deepcopy(state["rates"]))
        self.step.load_state_dict(copy.deepcopy(state["step"]))
        self.done = state["done"]


def check_same(ours: Run, theirs: Run, exact: bool = False, shapes: Sequence[tuple[int, ...]] = SHAPES) -> None:
    close = {"rtol": 0.0, "atol": 0.0} if exact else {"rtol": 1e-9, "atol": 1e-9}
    for a, b in zip(ours.take(shapes), theirs.take(shapes), strict=True):
        assert a.names == b.names
        torch.testing.assert_close(a.values, b.values, **close)
    torch.testing.assert_close(ours.model.state_dict(), theirs.model.state_dict(), **close)
    assert ours.step.state_dict()["count"] == theirs.step.state_dict()["count"] == ours.done
