"""How a step grows with the number of conversations, with their length, and with the number of objectives."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.corpus import random_batch, task
from benchmarks.procedures import QUICK, Library, Reference, Size, build
from benchmarks.timing import Procedure, seconds
from crossspace.balance import ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.objectives.base import Objective, Part
from crossspace.output import Output
from crossspace.training.step import TrainingStep

SMALL = Size(width=256, heads=8, widths=(("text", 256), ("audio", 396), ("visual", 86)), pairs=3)


@dataclass(frozen=True)
class Point:
    """Seconds of a step at one size; the reference knows three objectives only."""

    value: int
    library: float
    reference: float | None = None


class OnePart(Objective):
    """One part of an objective, such as one modality's cross-entropy, as an objective of its own."""

    def __init__(self, objective: Objective, part: str) -> None:
        self.objective, self.part = objective, part

    @property
    def name(self) -> str:  # type: ignore[override]
        """The part's name."""
        return self.part

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """The part alone."""
        return {self.part: self.objective.parts(output, batch, class_weights)[self.part]}


def growth(quick: bool) -> dict[str, list[Point]]:
    """Seconds per step along each axis, the other two fixed; on one thread, which is steadier."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measure(quick)
    finally:
        torch.set_num_threads(threads)


def _measure(quick: bool) -> dict[str, list[Point]]:
    size = QUICK if quick else SMALL
    conversations, lengths, typical = ((2, 4), (5, 10), 8) if quick else ((8, 16, 32, 64), (12, 48, 192), 48)
    counts = (1, 3, 5) if quick else (1, 2, 3, 4, 5)
    return {
        "conversations": [_point(n, [typical] * n, size) for n in conversations],
        "length": [_point(n, [n] * 16, size) for n in lengths],
        "objectives": [Point(k, _objectives(k, [typical] * 16, size)) for k in counts],
    }


def _point(value: int, lengths: list[int], size: Size) -> Point:
    spec = task(dict(size.widths))
    batch, model = random_batch(lengths, spec), build(spec, size)
    reference, library = Reference(model), Library(model)
    reference.prepare(batch)
    step = library.variants()["exact_float32"]
    return Point(value, _best(step, batch, size.pairs), _best(reference.train, batch, size.pairs))


def _objectives(count: int, lengths: list[int], size: Size) -> float:
    spec = task(dict(size.widths))
    batch, model = random_batch(lengths, spec), build(spec, size).train()
    names = {"fused": ["fused"], "unimodal": [f"unimodal.{m}" for m in spec.widths], "distillation": []}
    names["distillation"] = [f"distillation.{m}" for m in spec.widths]
    every = [OnePart(objective, part) for objective in model.objectives() for part in names[objective.name]]
    model.objectives = lambda: every[:count]  # type: ignore[method-assign]
    step = TrainingStep(model, ParetoGradientModulator(), Library(model).optimizer)
    return _best(step, batch, size.pairs)


def _best(procedure: Procedure, batch: Batch, times: int) -> float:
    procedure(batch)
    return min(seconds(procedure, batch) for _ in range(times))
