"""A linear layer that multiplies large float32 matrices on the CPU with oneDNN."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

_WORTHWHILE = 1 << 28
"""Multiplications from which oneDNN pays: it prepares a kernel for every new number of rows, in about a millisecond."""


_SCHEMA = (
    "mkldnn::_linear_pointwise(Tensor X, Tensor W, Tensor? B, str attr, Scalar?[] scalars, str? algorithm) -> Tensor Y"
)
"""The operator is PyTorch's own and may change in any release: where it is another, MKL does the work."""


def _is_known() -> bool:
    """Whether this PyTorch has the operator, takes what is given to it here, and computes a product by it."""
    if not torch.backends.mkldnn.is_available():
        return False
    try:
        operator = torch.ops.mkldnn._linear_pointwise.default
        product = _product(torch.tensor([[2.0]]), torch.tensor([[3.0]]), torch.tensor([1.0]))
    except (AttributeError, RuntimeError, TypeError):
        return False
    return str(operator._schema) == _SCHEMA and product.item() == 7.0


class Linear(nn.Linear):
    """``nn.Linear``, the same function with the same parameters.

    Note:
        PyTorch multiplies float32 matrices on the CPU with MKL, which on processors that are not Intel's does not use
        AVX-512; oneDNN, which PyTorch uses for bfloat16 already, does, and is twice as fast there. A processor without
        AVX-512 gains nothing by it and is left with MKL. Nothing changes but the order of summation.
        ``torch.backends.mkldnn.enabled = False`` returns to MKL.
    """

    def forward(self, input: Tensor) -> Tensor:
        """(N, in) to (N, out)."""
        return linear(input, self.weight, self.bias)


def linear(rows: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``rows @ weight.T + bias``, as :class:`Linear` computes it."""
    if not _pays(rows, weight):
        return F.linear(rows, weight, bias)
    return _OneDnnLinear.apply(rows, weight, bias)


def _pays(rows: Tensor, weight: Tensor) -> bool:
    return bool(
        not torch.compiler.is_exporting()  # what holds for every number of rows does not ask how many there are
        and rows.is_cpu
        and rows.dim() == 2
        and rows.dtype == weight.dtype == torch.float32
        and len(rows) * weight.numel() >= _WORTHWHILE
        and _KNOWN
        and _WIDE
        and not torch.is_autocast_enabled("cpu")
        and torch.backends.mkldnn.enabled
    )


class _OneDnnLinear(Function):
    """``rows @ weight.T + bias`` and its gradients, three products of the same kind."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        # A matrix whose rows lie apart in memory costs a copy here; oneDNN would take a hundred times as long.
        rows = rows.contiguous()
        ctx.save_for_backward(rows, weight)
        return _product(rows, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        rows, weight = ctx.saved_tensors
        gradient = gradient.contiguous()
        for_rows, for_weight, for_bias = ctx.needs_input_grad
        return (
            _product(gradient, weight.t()) if for_rows else None,
            _product(gradient.t(), rows.t()) if for_weight else None,
            gradient.sum(0) if for_bias else None,
        )


def _product(left: Tensor, right: Tensor, bias: Tensor | None = None) -> Tensor:
    """``left @ right.T + bias``."""
    return torch.ops.mkldnn._linear_pointwise(left, right, bias, "none", [], "")


_KNOWN = _is_known()
_WIDE = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
"""Without it MKL is as fast, and up to a half faster at gradients of weights."""
