"""How much of the speed of a plain matrix product a training step reaches.

The multiplications that a step needs are counted while one runs on PyTorch's own kernels; their number over the seconds
of the step is compared with the speed of a plain large product, measured between the steps of the same run.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.procedures import Library, plain_kernels
from crossspace.batching.batch import Batch
from crossspace.nn.linear import linear

PRECISIONS = {
    "exact_float32": {"exact": (1.0, 0.0)},
    "exact_bf16": {"exact": (0.0, 1.0)},
    "representation_float32": {"representation": (1.0, 0.0)},
    "fixed_float32": {"fixed": (1.0, 0.0)},
    # The step of fixed weights in float32; the passes that compare are what the exact one has beyond one pass.
    "exact_mixed": {"fixed": (1.0, 0.0), "compared": (0.0, 1.0)},
}
"""Of every row, which counts are multiplied in float32 and in bf16, and their shares."""
OBJECTIVES = 3


class _Counter(TorchDispatchMode):
    """Adds up the products of matrices in the block; PyTorch's own counter stops at gradients of chosen inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let the operation happen, and count it."""
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def counted(library: Library, batch: Batch) -> dict[str, float]:
    """Floating-point operations of a step by kind, two to a multiplication."""
    variants = library.variants()
    flops = {}
    with plain_kernels():
        for kind in ("exact", "representation", "fixed"):
            with _Counter() as counter:
                variants[f"{kind}_float32"](batch)
            flops[kind] = counter.total
    # Exact has OBJECTIVES backward passes where fixed weights have one; the comparing passes are as many.
    flops["compared"] = (flops["exact"] - flops["fixed"]) * OBJECTIVES / (OBJECTIVES - 1)
    return flops


def plain_speeds(rows: int, width: int) -> dict[str, float]:
    """Floating-point operations per second of a plain product in float32, by the faster library, and in bf16."""
    left, right = torch.randn(rows, width), torch.randn(width, width)
    short = left.bfloat16(), right.bfloat16()
    with torch.inference_mode():
        ways: Mapping[str, list[Callable[[], torch.Tensor]]] = {
            "float32": [lambda: F.linear(left, right), lambda: linear(left, right)],
            "bf16": [lambda: F.linear(*short)],
        }
        return {name: max(_speed(way, rows, width) for way in each) for name, each in ways.items()}


def _speed(way: Callable[[], torch.Tensor], rows: int, width: int) -> float:
    way()
    taken = []
    for _ in range(9):
        began = time.perf_counter()
        way()
        taken.append(time.perf_counter() - began)
    return 2.0 * rows * width * width / statistics.median(taken)


def utilisation(
    flops: Mapping[str, float], speeds: Mapping[str, float], seconds: Mapping[str, float]
) -> dict[str, float]:
    """Per row, the time that its products would take by themselves over the time that the step takes."""
    result = {}
    for name, kinds in PRECISIONS.items():
        needed = sum(
            flops[kind] * (full / speeds["float32"] + short / speeds["bf16"]) for kind, (full, short) in kinds.items()
        )
        result[name] = needed / seconds[name]
    return result
