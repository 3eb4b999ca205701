"""Sums and rows over all processes that train one model, with gradients that are those of a single process.

Every process holds a share of the conversations and computes its share of every loss; gradients are summed over
processes at the end. Where a value depends on the rows of all of them, the gradient that reaches it in the other
processes has to come back: both functions here exchange once on the way forward and once on the way back. All processes
must therefore call them alike, one without conversations too. A single process exchanges nothing.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def process_count() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def summed(values: Tensor) -> Tensor:
    """The sum of ``values`` over all processes."""
    return values if process_count() == 1 else _Sum.apply(values)


def gathered(*tensors: Tensor) -> tuple[list[Tensor], slice]:
    """The rows of all processes, one process after the other, and where those of this process stand among them.

    Args:
        tensors: of shapes (n, ...), with the same n in one process and any in another.

    Returns:
        For each the (n_0 + n_1 + ..., ...) rows of all, and the slice with this process's own.

    Note:
        How many rows each has is exchanged first, which waits for the device.
    """
    count = len(tensors[0])
    if process_count() == 1:
        return list(tensors), slice(0, count)
    sizes = torch.zeros(process_count(), dtype=torch.long, device=tensors[0].device)
    sizes[dist.get_rank()] = count
    dist.all_reduce(sizes)
    before, total = int(sizes[: dist.get_rank()].sum()), int(sizes.sum())
    return [summed(_placed(rows, before, total)) for rows in tensors], slice(before, before + count)


def _placed(rows: Tensor, before: int, total: int) -> Tensor:
    """(total, ...) zeros, with ``rows`` from row ``before`` on: the sum over processes puts them side by side."""
    shape = rows.shape[1:]
    return torch.cat([rows.new_zeros(before, *shape), rows, rows.new_zeros(total - before - len(rows), *shape)])


class _Sum(torch.autograd.Function):
    """The loss is the sum over processes, so the gradient of a sum is the sum of the gradients."""

    @staticmethod
    def forward(context: Any, values: Tensor) -> Tensor:
        total = values.detach().clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total
