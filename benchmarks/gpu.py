"""``python -m benchmarks.gpu``: an epoch on an accelerator, beside the released procedure on the same one; prints JSON.

First a step there is compared with the same step on the processor, and recorded steps (CUDA graphs) with those that are
not, in float64 and float32. Then epochs are timed, of random features in the shapes of IEMOCAP and MELD: CSS with fixed
weights, with exact PGM and with its comparison at the representation, SDT, and the procedure of the released code
(:mod:`benchmarks.reference`), in float32, TF32 and bf16, with graphs and without. ``benchmarks/gpu.sh`` runs it within
six minutes. On a processor, where there are no graphs, steps that would be recorded are filled up and taken by Python.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.corpus import random_batch, task, train_batches
from benchmarks.procedures import QUICK, Library, Reference, Size, build, build_sdt
from crossspace.balance import Balancer, FixedWeights, ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.base import Model
from crossspace.training.graphs import GraphedStep
from crossspace.training.recorders import CudaRecorder, Step
from crossspace.training.step import TrainingStep
from crossspace.training.step_record import StepRecord

MELD = {"conversations": 1039, "utterances": 9989, "batch": 32}
EPOCHS = 3


class Again:
    """Stands for a recorder where there is none: a step that is repeated is taken in the ordinary way."""

    def warm_up(self, step: Step) -> StepRecord:
        """Take it."""
        return step()

    def record(self, step: Step) -> Step:
        """The step itself."""
        return step


def ordinary(
    model: Model,
    balancer: Balancer,
    autocast: Callable[[], AbstractContextManager] = nullcontext,
    rate: float = 1e-4,
) -> TrainingStep:
    """A step that can be recorded."""
    held = torch.tensor(rate, device=next(model.parameters()).device)
    optimizer = torch.optim.Adam(model.parameters(), lr=held, weight_decay=1e-5, fused=True, capturable=True)
    return TrainingStep(model, balancer, optimizer, autocast=autocast)


def graphed(step: TrainingStep, device: torch.device, replays: bool = True) -> GraphedStep:
    """The same step, recorded; without ``replays`` it is filled up and taken in the ordinary way."""
    return GraphedStep(step, CudaRecorder(device) if device.type == "cuda" and replays else Again())


def meld_batches(spec: TaskSpec, shrink: int) -> list[Batch]:
    """Conversations as many and as long as the training split of MELD, in batches of 32."""
    count, total = MELD["conversations"] // shrink, MELD["utterances"] // shrink
    draw = np.random.default_rng(0)
    lengths = np.clip(draw.poisson(total / count - 1, count) + 1, 1, 24).tolist()
    size = MELD["batch"]
    return [random_batch(lengths[at : at + size], spec, seed=at) for at in range(0, count, size)]


def differences(device: torch.device, dtype: torch.dtype) -> dict[str, float]:
    """Largest differences of a step's losses and gradients on the device and on the processor."""
    spec = task(dict(QUICK.widths))
    batch = train_batches(spec, QUICK.shrink)[0]
    found: list[tuple[torch.Tensor, list[torch.Tensor]]] = []
    for where in (torch.device("cpu"), device):
        model = without_dropout(build(spec, QUICK).to(where, dtype))
        moved = cast(batch, where, dtype)
        step = TrainingStep(model, ParetoGradientModulator(), torch.optim.Adam(model.parameters(), fused=True))
        step.update = lambda *args, **kwargs: None  # type: ignore[assignment]
        model.train()
        record = step(moved)
        gradients = [p.grad.cpu() for p in model.parameters() if p.grad is not None]
        found.append((record.values.cpu(), gradients))
    (values, gradients), (others, theirs) = found
    scale = max(float(g.abs().max()) for g in gradients)
    return {
        "values": float((values - others).abs().max()),
        "gradients": max(float((a - b).abs().max()) for a, b in zip(gradients, theirs, strict=True)) / scale,
    }


def cast(batch: Batch, device: torch.device, dtype: torch.dtype) -> Batch:
    """The batch on a device, with features in another type."""
    moved = batch.to(device)
    return replace(moved, features={m: x.to(dtype) for m, x in moved.features.items()})


def without_dropout(model: Model) -> Model:
    """Random numbers differ between devices and between shapes."""
    for module in model.modules():
        for name in ("p", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return model


def graph_differences(device: torch.device, dtype: torch.dtype) -> dict[str, float]:
    """Largest relative differences between recorded steps and others, of the numbers of every step.

    Parameters hardly move, or Adam would make much of the last digits of small gradients. Without dropout from steps on
    the batches as they are; with dropout from steps on batches that are filled up, which draw the same random numbers.
    """
    spec, found = task(dict(QUICK.widths)), {}
    batches = [cast(batch, device, dtype) for batch in train_batches(spec, QUICK.shrink)]
    for name, balancer in {"fixed": FixedWeights, "exact": ParetoGradientModulator}.items():
        for drops in (False, True):
            ends = []
            for replays in (True, False):
                model = build(spec, QUICK).to(device, dtype).train()
                model = model if drops else without_dropout(model)
                step: TrainingStep | GraphedStep = ordinary(model, balancer(), rate=1e-7)
                if replays or drops:
                    step = graphed(step, device, replays)
                torch.manual_seed(0)
                ends.append(torch.stack([step(batch).values for _ in range(EPOCHS) for batch in batches]))
            apart = (ends[0] - ends[1]).abs() / ends[1].abs().clamp(min=1.0)
            found[f"{name}{'_dropout' if drops else ''}"] = float(apart.max())
    return found


@contextmanager
def tf32() -> Iterator[None]:
    """Products of float32 matrices with ten bits behind the point, where the device has them."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def epoch(step: Callable[[Batch], Any], batches: Sequence[Batch], device: torch.device, before: int = 1) -> float:
    """Seconds of an epoch, the median of some after those ``before`` it that warm up and record."""
    taken = []
    for _ in range(EPOCHS + before):
        _wait(device)
        began = time.perf_counter()
        for batch in batches:
            step(batch)
        _wait(device)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[before:])


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def timed(size: Size, device: torch.device, limit: float) -> dict[str, dict[str, float]]:
    """Seconds of an epoch by shape and procedure; what there is no time left for is left out."""
    spec, began = task(dict(size.widths)), time.monotonic()
    found: dict[str, dict[str, float]] = {}
    autocast = partial(torch.autocast, device.type, torch.bfloat16)
    for shape, batches in {
        "iemocap": train_batches(spec, size.shrink),
        "meld": meld_batches(spec, 20 if size is QUICK else 1),
    }.items():
        batches = [batch.to(device) for batch in batches]
        css, sdt = build(spec, size).to(device), build_sdt(spec, size).to(device)
        kinds: dict[str, tuple[Model, Any]] = {
            "exact": (css, ParetoGradientModulator),
            "fixed": (css, FixedWeights),
            "representation": (css, partial(ParetoGradientModulator, space="representation")),
            "sdt": (sdt, FixedWeights),
        }
        times = found[shape] = {}
        reference = Reference(css)
        for batch in batches:
            reference.prepare(batch)
        todo: dict[str, Callable[[], float]] = {"released": partial(epoch, reference.train, batches, device)}
        for name, (model, balancer) in kinds.items():
            plain = Library(model).step(balancer())
            todo[f"{name}_float32"] = partial(epoch, plain, batches, device)
            todo[f"{name}_float32_graphs"] = partial(_with_graphs, model, balancer, batches, device)
            todo[f"{name}_bf16"] = partial(epoch, Library(model).step(balancer(), autocast), batches, device)
            todo[f"{name}_bf16_graphs"] = partial(_with_graphs, model, balancer, batches, device, autocast)
            todo[f"{name}_tf32"] = partial(_in_tf32, plain, batches, device)
            todo[f"{name}_tf32_graphs"] = partial(_with_graphs, model, balancer, batches, device, precision=tf32)
        for name, measure in todo.items():
            if time.monotonic() - began < limit:
                times[name] = measure()
    return found


def _in_tf32(step: Callable[[Batch], None], batches: Sequence[Batch], device: torch.device) -> float:
    with tf32():
        return epoch(step, batches, device)


def _with_graphs(
    model: Model,
    balancer: Callable[[], Balancer],
    batches: Sequence[Batch],
    device: torch.device,
    autocast: Callable[[], AbstractContextManager] = nullcontext,
    precision: Callable[[], AbstractContextManager] = nullcontext,
) -> float:
    """Made here, so that the memory of its graphs goes with it."""
    model.train()
    with precision():
        return epoch(graphed(ordinary(model, balancer(), autocast), device), batches, device, before=2)


def main(arguments: Sequence[str] | None = None) -> None:
    """Compare, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="a small model, to see that everything runs")
    parser.add_argument("--limit", type=float, default=300, help="seconds after which nothing more is begun")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("A CUDA device is expected. Found none; `--device cpu --quick` sees that everything runs.")
    began, types = time.monotonic(), {"float64": torch.float64, "float32": torch.float32}
    result: dict[str, Any] = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "differences": {name: differences(device, dtype) for name, dtype in types.items()},
        "graph_differences": {name: graph_differences(device, dtype) for name, dtype in types.items()},
    }
    limit = options.limit - (time.monotonic() - began)
    result["epoch_seconds"] = seconds = timed(QUICK if options.quick else Size(), device, limit)
    result["ordinary_over_graphs"] = {
        shape: {name: own / times[f"{name}_graphs"] for name, own in times.items() if f"{name}_graphs" in times}
        for shape, times in seconds.items()
    }
    result["released_over"] = {
        shape: {name: times["released"] / own for name, own in times.items() if name != "released"}
        for shape, times in seconds.items()
        if "released" in times
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
