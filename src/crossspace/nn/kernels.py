"""Which library multiplies large float32 matrices on this processor: measured once, and remembered for this machine."""

from __future__ import annotations

import hashlib
import os
import platform
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from crossspace.cache_folder import local_folder
from crossspace.errors import CrossspaceError, UsageError
from crossspace.runtime import write_new

CHOICE = "CROSSSPACE_MATRICES"
"""``onednn`` or ``mkl``: use this one and measure nothing; an environment variable."""
_ONEDNN, _MKL = "onednn", "mkl"
_ROWS, _WIDTH, _ROUNDS = 512, 1024, 5
_CLEARLY = 1.1
"""How many times as fast the other must be than what the rule says: last digits should not hang on noise."""
_SCHEMA = (
    "mkldnn::_linear_pointwise(Tensor X, Tensor W, Tensor? B, str attr, Scalar?[] scalars, str? algorithm) -> Tensor Y"
)
"""The operator is PyTorch's own and may change in any release: where it is another, MKL does the work."""


def onednn(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """``left @ right.T + bias`` by oneDNN."""
    return torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")


def is_known() -> bool:
    """Whether this PyTorch has the operator, takes what is given to it here, and computes a product by it."""
    if not torch.backends.mkldnn.is_available():
        return False
    try:
        operator = torch.ops.mkldnn._linear_pointwise.default
        product = onednn(torch.tensor([[2.0]]), torch.tensor([[3.0]]), torch.tensor([1.0]))
    except (AttributeError, RuntimeError, TypeError):
        return False
    return str(operator._schema) == _SCHEMA and product.item() == 7.0


@lru_cache
def onednn_pays(threads: int) -> bool:
    """Whether oneDNN is the faster one with so many threads.

    The first process of a machine measures, and the others read what it found: all of them sum in the same order.
    Where nothing can be remembered, the rule is used: oneDNN where there is AVX-512.

    Raises:
        UsageError: the environment names neither library.
    """
    forced = os.environ.get(CHOICE, "")
    if forced:
        if forced not in (_ONEDNN, _MKL):
            raise UsageError(f"{CHOICE} should be {_ONEDNN!r} or {_MKL!r}. Found {forced!r}.")
        return forced == _ONEDNN and _KNOWN
    if not _KNOWN:
        return False
    told = f"{processor()}, {torch.__version__}, {threads} threads"
    path = local_folder() / "matrices" / f"{hashlib.sha256(told.encode()).hexdigest()[:16]}.txt"
    remembered = _remembered(path)
    if remembered is None:
        with suppress(CrossspaceError, OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            # Of several that measure at once one is believed by all.
            write_new(path, f"{_measured()}\n{told}\n")
            remembered = _remembered(path)
    return remembered == _ONEDNN if remembered else _BY_RULE


def processor() -> str:
    """The name of the processor."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _remembered(path: Path) -> str | None:
    with suppress(OSError, UnicodeDecodeError):
        first = path.read_text(encoding="utf-8").split("\n", 1)[0]
        return first if first in (_ONEDNN, _MKL) else None
    return None


@torch.inference_mode()
def _measured() -> str:
    """The faster one at the three products of a linear layer, the rule's where they are about equal."""
    # No random numbers: those of a training are not to depend on whether something was measured.
    rows, weight, out = torch.ones(_ROWS, _WIDTH), torch.ones(_WIDTH, _WIDTH), torch.ones(_ROWS, _WIDTH)
    products = ((rows, weight), (out, weight.t()), (out.t(), rows.t()))

    def seconds(multiply: Callable[[Tensor, Tensor], Tensor]) -> float:
        began = time.perf_counter()
        for left, right in products:
            multiply(left, right)
        return time.perf_counter() - began

    taken = [(seconds(onednn), seconds(F.linear)) for _ in range(_ROUNDS + 1)][1:]
    ratio = statistics.median(mkl / own for own, mkl in taken)
    faster = ratio > (1 / _CLEARLY if _BY_RULE else _CLEARLY)
    return _ONEDNN if faster else _MKL


_KNOWN = is_known()
_BY_RULE = _KNOWN and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
"""MKL does not use AVX-512 on processors that are not Intel's; oneDNN does. Without it MKL is as fast or faster."""
