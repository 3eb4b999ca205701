"""A linear layer that multiplies large float32 matrices on the CPU with oneDNN."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from crossspace.nn.kernels import onednn, onednn_pays

_WORTHWHILE = 1 << 28
"""Multiplications from which oneDNN pays: it prepares a kernel for every new number of rows, in about a millisecond."""


class Linear(nn.Linear):
    """``nn.Linear``, the same function with the same parameters.

    Note:
        PyTorch multiplies float32 matrices on the CPU with MKL, which on processors that are not Intel's does not use
        AVX-512; oneDNN, which PyTorch uses for bfloat16 already, does, and is up to twice as fast there. The faster one
        is used (:mod:`crossspace.nn.kernels`); nothing changes but the order of summation.
        ``torch.backends.mkldnn.enabled = False`` returns to MKL.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, in) to (N, out)."""
        return linear(input, self.weight, self.bias)


def linear(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``rows @ weight.T + bias``, as :class:`Linear` computes it."""
    if not _is_large(rows, weight) or not (_PASSES.dtype or _by_onednn(rows)):
        return F.linear(rows, weight, bias)
    return _Linear.apply(rows, weight, bias)


@dataclass
class _Passes:
    """What is known of the backward passes that go on now, or will go through the graph that is built now.

    Attributes:
        dtype: in which of float32 and something shorter gradients are compared; None if in their own.
        compared: this pass only compares, and puts the gradients of the weights that are named here beside them, in the
            shorter type; None if it serves for more.
    """

    dtype: torch.dtype | None = None
    compared: MutableMapping[Tensor, Tensor | None] | None = None


_PASSES = _Passes()  # of the process, as a backward pass on a GPU runs in a thread of its own


@contextmanager
def passes(**facts: Any) -> Iterator[None]:
    """Say in the block what is known of backward passes: ``dtype`` and ``compared``."""
    before = {name: getattr(_PASSES, name) for name in facts}
    vars(_PASSES).update(facts)
    try:
        yield
    finally:
        vars(_PASSES).update(before)


def _is_large(rows: Tensor, weight: Tensor) -> bool:
    return bool(
        not torch.compiler.is_exporting()  # what holds for every number of rows does not ask how many there are
        and rows.dim() == 2
        and rows.dtype == weight.dtype == torch.float32
        and len(rows) * weight.numel() >= _WORTHWHILE
        and not torch.is_autocast_enabled(rows.device.type)
    )


def _by_onednn(rows: Tensor) -> bool:
    return bool(rows.is_cpu and torch.backends.mkldnn.enabled and onednn_pays(torch.get_num_threads()))


class _Linear(Function):
    """``rows @ weight.T + bias`` and its gradients, three products of the same kind.

    Rows and weight in the shorter type in which gradients are compared are made once, for all passes that compare.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        # A matrix whose rows lie apart in memory costs a copy here; oneDNN would take a hundred times as long.
        rows = rows.contiguous()
        ctx.save_for_backward(rows, weight)
        ctx.short = None
        return _product(rows, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        rows, weight = ctx.saved_tensors
        for_rows, for_weight, for_bias = ctx.needs_input_grad
        if _PASSES.compared is not None and _PASSES.dtype is not None:
            if ctx.short is None:
                ctx.short = rows.to(_PASSES.dtype), weight.to(_PASSES.dtype)
            rows, short = ctx.short
            gradient = gradient.to(_PASSES.dtype)
            # Of a parameter that is not compared nobody asks for a gradient, though it has one.
            wanted = for_weight and (not weight.is_leaf or weight in _PASSES.compared)
            of_weight = gradient.t() @ rows if wanted else None
            if of_weight is not None and weight.is_leaf:
                # Past automatic differentiation, which would bring it back to float32: it is only compared.
                before = _PASSES.compared[weight]
                # What is added up is added in full.
                _PASSES.compared[weight] = of_weight if before is None else before.to(weight.dtype).add_(of_weight)
                of_weight = None
            return gradient @ short if for_rows else None, of_weight, gradient.sum(0) if for_bias else None
        ctx.short = None
        gradient = gradient.contiguous()
        return (
            _product(gradient, weight.t()) if for_rows else None,
            _product(gradient.t(), rows.t()) if for_weight else None,
            gradient.sum(0) if for_bias else None,
        )


def _product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """``left @ right.T + bias``."""
    return onednn(left, right, bias) if _by_onednn(left) else F.linear(left, right, bias)
