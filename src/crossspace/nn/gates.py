"""The gates of recurrent cells after their linear maps, each with its gradient in one go."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable


def reset_after(read: Tensor, mapped: Tensor, state: Tensor, scale: Tensor | None = None) -> Tensor:
    """The new state of a GRU cell whose reset gate acts on the mapped state: ``torch.nn.GRUCell`` after its two maps.

    Args:
        read: (..., 3 d), the mapped input, biases included.
        mapped: (..., 3 d), the mapped state, biases included.
        state: (..., d).
        scale: (..., d) constants that multiply the new state, as dropout does.
    """
    return _ResetAfter.apply(read, mapped, state, scale)


def reset_before(read: Tensor, mapped: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """The first half of a GRU cell whose reset gate acts on the state itself.

    Args:
        read: (n, 2 d), what the input adds to both gates, biases included.
        mapped: (n, 2 d), what the state adds.
        state: (n, d).

    Returns:
        The state after reset, to be mapped for the candidate, and the update gate, for :func:`updated`.
    """
    return _ResetBefore.apply(read, mapped, state)


def updated(read: Tensor, mapped: Tensor, update: Tensor, state: Tensor) -> Tensor:
    """The second half: ``u h + (1 - u) tanh(read + mapped)``, all (n, d)."""
    return _Updated.apply(read, mapped, update, state)


class _ResetAfter(Function):
    @staticmethod
    def forward(ctx: Any, read: Tensor, mapped: Tensor, state: Tensor, scale: Tensor | None) -> Tensor:
        width = state.shape[-1]
        gates = torch.sigmoid(read[..., : 2 * width] + mapped[..., : 2 * width])
        reset, update = gates.split(width, dim=-1)
        new = torch.tanh(torch.addcmul(read[..., 2 * width :], reset, mapped[..., 2 * width :]))
        ctx.save_for_backward(gates, new, mapped, state, scale)
        result = torch.lerp(new, state, update)
        return result if scale is None else result.mul_(scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        gates, new, mapped, state, scale = ctx.saved_tensors
        width = state.shape[-1]
        if scale is not None:
            gradient = gradient * scale
        kept = gradient * gates[..., width:]
        for_read = torch.empty_like(mapped)
        for_reset, for_update, for_new = for_read.split(width, dim=-1)
        for_new.copy_(torch.ops.aten.tanh_backward(gradient - kept, new))
        torch.mul(for_new, mapped[..., 2 * width :], out=for_reset)
        torch.mul(gradient, state - new, out=for_update)
        for_gates = for_read[..., : 2 * width]
        for_gates.copy_(torch.ops.aten.sigmoid_backward(for_gates, gates))
        for_mapped = for_read.clone()
        for_mapped[..., 2 * width :].mul_(gates[..., :width])
        return for_read, for_mapped, kept, None


class _ResetBefore(Function):
    @staticmethod
    def forward(ctx: Any, read: Tensor, mapped: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        gates = (read + mapped).sigmoid_()
        reset, update = gates.chunk(2, dim=1)
        ctx.save_for_backward(gates, state)
        return reset * state, update.contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, for_kept: Tensor, for_update: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        gates, state = ctx.saved_tensors
        inner = torch.ops.aten.sigmoid_backward(torch.cat([for_kept * state, for_update], dim=1), gates)
        return inner, inner, for_kept * gates[:, : state.shape[1]]


class _Updated(Function):
    @staticmethod
    def forward(ctx: Any, read: Tensor, mapped: Tensor, update: Tensor, state: Tensor) -> Tensor:
        new = (read + mapped).tanh_()
        ctx.save_for_backward(new, update, state)
        return torch.lerp(new, state, update)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        new, update, state = ctx.saved_tensors
        kept = gradient * update
        inner = torch.ops.aten.tanh_backward(gradient - kept, new)
        return inner, inner, gradient * (state - new), kept
