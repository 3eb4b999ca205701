"""What is timed: the library's training step and evaluation in their variants, and the reference beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch

from benchmarks.reference import RELEASED, PaddedBatch, ReferenceStep
from crossspace.balance import Balancer, FixedWeights, ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.base import Model
from crossspace.models.css import CSS
from crossspace.models.sdt import SDT
from crossspace.training.step import TrainingStep


@dataclass(frozen=True)
class Size:
    """How large a model is measured, and how often.

    Attributes:
        width, heads: of the model.
        widths: ``{modality: D}``.
        pairs: timed pairs of reference and library.
        shrink: divides the lengths of all conversations.
    """

    width: int = 1024
    heads: int = 8
    widths: tuple[tuple[str, int], ...] = (("text", 1024), ("audio", 1582), ("visual", 342))
    pairs: int = 5
    shrink: int = 1


QUICK = Size(width=32, heads=4, widths=(("text", 24), ("audio", 20), ("visual", 12)), pairs=2, shrink=4)


def bfloat16() -> AbstractContextManager:
    """Mixed precision on the CPU."""
    return torch.autocast("cpu", torch.bfloat16)


@contextmanager
def plain_kernels() -> Iterator[None]:
    """The library's layers on the matrix kernels that PyTorch chooses by itself, as the reference uses them."""
    torch.backends.mkldnn.enabled = False
    try:
        yield
    finally:
        torch.backends.mkldnn.enabled = True


class Library:
    """This project's training step and evaluation.

    Args:
        model: all variants train its parameters with one optimizer.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-5, fused=True)
        self.objectives = model.objectives()

    def step(
        self,
        balancer: Balancer,
        autocast: Callable[[], AbstractContextManager] = nullcontext,
        compare: torch.dtype | None = None,
    ) -> Callable[[Batch], None]:
        """A training step under ``balancer``."""
        step = TrainingStep(self.model, balancer, self.optimizer, autocast=autocast, compare=compare)

        def train(batch: Batch) -> None:
            self.model.train()
            step(batch)

        return train

    def evaluate(self, batch: Batch) -> None:
        """Predict, and compute the losses."""
        self.model.eval()
        with torch.inference_mode():
            output = self.model(batch)
            for objective in self.objectives:
                objective.parts(output, batch)

    def variants(self) -> dict[str, Callable[[Batch], None]]:
        """Training steps by name."""
        return {
            "exact_float32": self.step(ParetoGradientModulator()),
            "exact_bf16": self.step(ParetoGradientModulator(), bfloat16),
            "representation_float32": self.step(ParetoGradientModulator(space="representation")),
            "fixed_float32": self.step(FixedWeights()),
            "exact_mixed": self.step(ParetoGradientModulator(), compare=torch.bfloat16),
        }


class Reference:
    """The reference procedure behind the same signature; batches are padded beforehand."""

    def __init__(self, model: CSS) -> None:
        self.step = ReferenceStep(model)
        self.padded: dict[int, PaddedBatch] = {}

    def prepare(self, batch: Batch) -> None:
        """Pad ``batch``, outside of what is timed."""
        self.padded[id(batch)] = PaddedBatch.of(batch)

    def train(self, batch: Batch) -> None:
        """One training step."""
        self.step.train(self.padded[id(batch)])

    def evaluate(self, batch: Batch) -> None:
        """Evaluate one batch."""
        self.step.evaluate(self.padded[id(batch)])


def build_sdt(spec: TaskSpec, size: Size) -> SDT:
    """SDT as its released code trains it on IEMOCAP, in the given size."""
    torch.manual_seed(0)
    return SDT(spec, width=size.width, heads=size.heads)


def build(spec: TaskSpec, size: Size) -> CSS:
    """The released variant in the given size, from a fixed seed."""
    torch.manual_seed(0)
    return CSS(spec, **RELEASED, width=size.width, heads=size.heads)
