"""``python -m benchmarks.gpu``: an epoch on an accelerator, beside the released procedure on the same one; prints JSON.

First a step there is compared with the same step on the processor, in float64 and float32. Then epochs are timed, of
random features in the shapes of IEMOCAP and MELD: CSS with fixed weights, with exact PGM and with its comparison at the
representation, SDT, and the procedure of the released code (:mod:`benchmarks.reference`), in float32, TF32 and bf16.
``benchmarks/gpu.sh`` runs it within six minutes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.corpus import random_batch, task, train_batches
from benchmarks.procedures import QUICK, Library, Reference, Size, build, build_sdt
from crossspace.balance import FixedWeights, ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.base import Model
from crossspace.training.step import TrainingStep

MELD = {"conversations": 1039, "utterances": 9989, "batch": 32}
EPOCHS = 3


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
        model = build(spec, QUICK).to(where, dtype)
        for module in model.modules():
            for name in ("p", "dropout"):  # random numbers differ between devices
                if isinstance(getattr(module, name, None), float):
                    setattr(module, name, 0.0)
        moved = batch.to(where)
        moved = type(moved)(**{**vars(moved), "features": {m: x.to(dtype) for m, x in moved.features.items()}})
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


@contextmanager
def tf32() -> Iterator[None]:
    """Products of float32 matrices with ten bits behind the point, where the device has them."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def epoch(step: Callable[[Batch], None], batches: Sequence[Batch], device: torch.device) -> float:
    """Seconds of an epoch, the median of some after one that warms up."""
    taken = []
    for _ in range(EPOCHS + 1):
        _wait(device)
        began = time.perf_counter()
        for batch in batches:
            step(batch)
        _wait(device)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


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
            todo[f"{name}_tf32"] = partial(_in_tf32, plain, batches, device)
            todo[f"{name}_bf16"] = partial(epoch, Library(model).step(balancer(), autocast), batches, device)
        for name, measure in todo.items():
            if time.monotonic() - began < limit:
                times[name] = measure()
    return found


def _in_tf32(step: Callable[[Batch], None], batches: Sequence[Batch], device: torch.device) -> float:
    with tf32():
        return epoch(step, batches, device)


def main() -> None:
    """Compare, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--quick", action="store_true", help="a small model, to see that everything runs")
    parser.add_argument("--limit", type=float, default=300, help="seconds after which nothing more is begun")
    options = parser.parse_args()
    device = torch.device(options.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise SystemExit("A CUDA device is expected. Found none; `--device cpu --quick` sees that everything runs.")
    seconds = timed(QUICK if options.quick else Size(), device, options.limit)
    result = {
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
        "torch": torch.__version__,
        "differences": {str(d).removeprefix("torch."): differences(device, d) for d in (torch.float64, torch.float32)},
        "epoch_seconds": seconds,
        "released_over": {
            shape: {name: times["released"] / own for name, own in times.items() if name != "released"}
            for shape, times in seconds.items()
            if "released" in times
        },
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
