"""Arithmetic with the gradients of several objectives: lists of tensors, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor

Gradients: TypeAlias = "list[Tensor | None]"
"""One entry per parameter; None stands for zero."""

_CHUNK = 1 << 18
"""Entries of a gradient that are turned into float64 at a time: few enough to stay in the processor's cache, and enough
that threads which wait for one another do not cost more than the arithmetic."""

_LONG, _SLICE = 1 << 15, 1 << 10
"""Entries from which rows are multiplied in slices, and of a slice."""


def gram_matrix(tasks: Sequence[Gradients]) -> Tensor:
    """(K, K) float64 inner products of K gradients, each a list of tensors in the same order; None stands for zero.

    Products are accumulated in float64: differences of cosines close to one decide the weights. Of gradients in a
    shorter type than float32, whose entries are rounded far more coarsely, some thousand at a time are in float32.
    """
    # Any gradient says on which device all of them are.
    example = next((g for task in tasks for g in task if g is not None), None)
    gram = torch.zeros(len(tasks), len(tasks), dtype=torch.float64, device="cpu" if example is None else example.device)
    if example is None:
        return gram
    largest = max(g.numel() for task in tasks for g in task if g is not None)
    # On an accelerator pieces would cost launches; there a tensor is taken whole.
    piece = max(1, min(largest, _CHUNK) if example.device.type == "cpu" else largest)
    # One buffer for all products of a type: fresh memory for every piece costs several times the arithmetic.
    buffers: dict[torch.dtype, Tensor] = {}
    for parts in zip(*tasks, strict=True):
        flat = [None if part is None else part.detach().reshape(-1) for part in parts]
        there = [f for f in flat if f is not None]
        if not there:
            continue
        size = there[0].numel()
        wide = torch.float32 if all(f.element_size() < 4 for f in there) else torch.float64
        if wide not in buffers:
            buffers[wide] = torch.zeros(len(tasks), piece, dtype=wide, device=example.device)
        for start in range(0, size, piece):
            rows = buffers[wide][:, : min(piece, size - start)]
            for row, f in zip(rows, flat, strict=True):
                if f is None:
                    row.zero_()
                else:
                    row.copy_(f[start : start + len(row)])
            _add_products(gram, rows)
    return gram


def _add_products(gram: Tensor, rows: Tensor) -> None:
    """Add ``rows @ rows.T``; on the CPU long rows are multiplied slice by slice, several times as fast as at once."""
    even = rows.shape[1] // _SLICE * _SLICE if rows.is_cpu else 0
    if even >= _LONG:
        slices = rows[:, :even].unflatten(1, (-1, _SLICE)).transpose(0, 1)
        gram.add_(torch.bmm(slices, slices.transpose(1, 2)).sum(0, dtype=gram.dtype))
        rows = rows[:, even:]
    rows = rows.to(gram.dtype)
    gram.addmm_(rows, rows.T)


def gradients_of(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    at_outputs: Sequence[Tensor | None] | None = None,
    keep: bool = False,
) -> Gradients:
    """Gradients of ``outputs`` with None for inputs they do not reach."""
    if at_outputs is not None:
        reached = [(o, g) for o, g in zip(outputs, at_outputs, strict=True) if g is not None and o.requires_grad]
        # Automatic differentiation refuses an output that has no gradient to pass on.
        outputs, at_outputs = [o for o, _ in reached], [g for _, g in reached]
    outputs = [o for o in outputs if o.requires_grad]
    if not outputs:
        return [None] * len(inputs)
    return _apart(torch.autograd.grad(outputs, inputs, at_outputs, retain_graph=keep, allow_unused=True))


def _apart(gradients: Sequence[Tensor | None]) -> Gradients:
    """The gradients, none of which shares memory with another or within itself, so that each may be overwritten.

    Automatic differentiation returns one tensor for both terms of a sum, and an expanded scalar for a sum over rows.
    """
    separate: Gradients = []
    addresses: set[int] = set()
    for gradient in gradients:
        # A stride of 0 is an expanded value: writing to one entry would write to all.
        if gradient is not None and (gradient.data_ptr() in addresses or 0 in gradient.stride()):
            gradient = gradient.clone(memory_format=torch.contiguous_format)
        if gradient is not None:
            addresses.add(gradient.data_ptr())
        separate.append(gradient)
    return separate


def added(total: Gradients, more: Gradients) -> Gradients:
    """Sum entry by entry; what ``total`` holds is overwritten."""
    return [b if a is None else a if b is None else a.add_(b) for a, b in zip(total, more, strict=True)]


def _weighted(parts: Sequence[Tensor | None], weights: Tensor) -> Tensor | None:
    """``sum_k weights[k] parts[k]``; the first part that is not None is overwritten."""
    result: Tensor | None = None
    for part, weight in zip(parts, weights, strict=True):
        if part is None:
            continue
        # Weights are float64, and gradients mostly are not.
        factor = weight.to(part.dtype)
        result = part.mul_(factor) if result is None else result.addcmul_(part, factor)
    return result


def mixed(tasks: Sequence[Gradients], weights: Tensor) -> Gradients:
    """The weighted sum of K gradients, entry by entry; the gradients themselves are used up."""
    return [_weighted(parts, weights) for parts in zip(*tasks, strict=True)]


def laid_out(gradient: Tensor | None, parameter: Tensor) -> Tensor | None:
    """A gradient in the memory layout of its parameter, as ``backward`` would leave it.

    Fused optimizers read either as one stretch of memory, whatever the strides: a gradient that automatic
    differentiation hands out transposed, or as a slice, would move other entries than its own.
    """
    if gradient is None or gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)
