"""A linear map that a recurrence takes at every step, and whose weight gradient is one product for many steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from crossspace.nn.linear import linear

_ROWS = 4096
"""So many rows wait for their product: enough for a fast one, few enough to be forgotten beside the graph."""


class Stepwise:
    """``rows @ weight.T + bias``, for the steps of one pass of a recurrence.

    Made anew for every pass and called once per step. Values and gradients are those of ``F.linear``; but where that
    adds a small product to the gradient of the weight at every step, which reads and writes the whole matrix for a
    few rows, here the rows and their gradients are collected, and one product is made of thousands.

    Args:
        weight: (out, in), a parameter or computed from some.
        bias: (out,) or None.

    Note:
        Every step hands a token without entries to the next. Its gradient goes the other way: a backward pass visits
        the steps from the last that it reaches to the first, whatever else depends on what, and the node that made the
        first token comes after all of them. So each of several passes through one graph knows where it begins, and
        what an earlier one collected and never asked for is forgotten.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        self._weight, self._bias = weight, bias
        self._token: Tensor | None = None
        if torch.is_grad_enabled() and (weight.requires_grad or (bias is not None and bias.requires_grad)):
            self._collected = _Collected()
            self._token = _Begin.apply(weight, bias, self._collected)
            self._weight = _in_autocast(weight.detach())
            self._bias = None if bias is None else _in_autocast(bias.detach())

    def __call__(self, rows: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        if self._token is None or not torch.is_grad_enabled():
            return linear(rows, self._weight, self._bias)
        mapped, self._token = _Step.apply(_in_autocast(rows), self._token, self._weight, self._bias, self._collected)
        return mapped


def _in_autocast(tensor: Tensor) -> Tensor:
    """In the precision in which autocast multiplies; it would convert the weight again at every step."""
    kind = tensor.device.type
    if tensor.dtype == torch.float64 or not torch.is_autocast_enabled(kind):
        return tensor
    return tensor.to(torch.get_autocast_dtype(kind))


@dataclass(eq=False)
class _Collected:
    """What the steps of a backward pass leave for the gradients of weight and bias.

    Attributes:
        rows: what was mapped, of the steps that wait for their product.
        gradients: of what it was mapped to.
        count: rows that wait.
        weight: (out, in), the sum of the products so far.
        bias: (out,) likewise.
    """

    rows: list[Tensor] = field(default_factory=list)
    gradients: list[Tensor] = field(default_factory=list)
    count: int = 0
    weight: Tensor | None = None
    bias: Tensor | None = None

    def add(self, rows: Tensor, gradient: Tensor, precision: torch.dtype) -> None:
        """Collect a step, (..., in) and (..., out)."""
        self.rows.append(rows.flatten(0, -2))
        self.gradients.append(gradient.flatten(0, -2))
        self.count += len(self.rows[-1])
        if self.count >= _ROWS:
            self.sum_up(precision)

    def sum_up(self, precision: torch.dtype) -> None:
        """Make one product of what waits."""
        if not self.rows:
            return
        rows, gradients = torch.cat(self.rows), torch.cat(self.gradients)
        self.rows, self.gradients, self.count = [], [], 0
        weight, bias = linear(gradients.t(), rows.t()).to(precision), gradients.sum(0).to(precision)
        self.weight = weight if self.weight is None else self.weight.add_(weight)
        self.bias = bias if self.bias is None else self.bias.add_(bias)

    def clear(self) -> None:
        """Forget everything."""
        self.rows, self.gradients, self.count, self.weight, self.bias = [], [], 0, None, None


class _Begin(Function):
    """The token of the first step; the backward of this node comes after that of every step."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, bias: Tensor | None, collected: _Collected) -> Tensor:
        ctx.collected = collected
        return weight.new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, token: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        collected, (for_weight, for_bias, _) = ctx.collected, ctx.needs_input_grad
        collected.sum_up(token.dtype)
        weight, bias = collected.weight, collected.bias
        collected.clear()
        return weight if for_weight else None, bias if for_bias else None, None


class _Step(Function):
    """The mapped rows of one step, and the token of the next."""

    @staticmethod
    def forward(
        ctx: Any, rows: Tensor, token: Tensor, weight: Tensor, bias: Tensor | None, collected: _Collected
    ) -> tuple[Tensor, Tensor]:
        ctx.collected = collected
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(rows, weight, token)
        return linear(rows, weight, bias), token.new_empty(0)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, gradient: Tensor | None, later: Tensor | None
    ) -> tuple[Tensor | None, Tensor, None, None, None]:
        rows, weight, token = ctx.saved_tensors
        if later is None:  # no later step has a part in this pass
            ctx.collected.clear()
        if gradient is None:
            return None, token, None, None, None
        ctx.collected.add(rows, gradient, token.dtype)
        return linear(gradient, weight.t()) if ctx.needs_input_grad[0] else None, token, None, None, None
