"""Several processes that train one model: who takes which conversations, and how sums are made over all of them."""

from __future__ import annotations

import os
from collections.abc import Sequence

import torch
import torch.distributed as dist
from torch import Tensor

from crossspace.balance.gradients import Reduce


def is_first_process() -> bool:
    """Whether this process is the one that writes and speaks; true before any others are started."""
    # Asked of the environment, since it is needed before there is a process group.
    if "RANK" in os.environ:
        return int(os.environ["RANK"]) == 0
    # Of processes that are not told their rank among all: the first of its machine, on the first machine.
    return all(int(os.environ.get(name, "0")) == 0 for name in ("LOCAL_RANK", "NODE_RANK", "SLURM_PROCID"))


def reducer() -> Reduce | None:
    """A function that adds tensors over all processes in place, or None when there is only one process."""
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return None
    return _sum_in_place


def _sum_in_place(tensors: list[Tensor]) -> None:
    """One exchange for all tensors of a data type, in the order of the list: a set has another in every process."""
    for dtype in dict.fromkeys(t.dtype for t in tensors):
        group = [t for t in tensors if t.dtype == dtype]
        buffer = torch.cat([t.reshape(-1) for t in group])
        dist.all_reduce(buffer)
        for tensor, part in zip(group, buffer.split([t.numel() for t in group]), strict=True):
            tensor.copy_(part.view_as(tensor))


def share(indices: Sequence[int], lengths: Sequence[int], rank: int, world: int) -> list[int]:
    """The conversations of a global batch that process ``rank`` of ``world`` takes.

    Longest first, each to the process with the fewest utterances so far. The parts are disjoint and together the
    whole batch; a part may be empty.
    """
    parts: list[list[int]] = [[] for _ in range(world)]
    load = [0] * world
    # Stable, so that every process divides the batch in the same way without asking.
    for index in sorted(indices, key=lambda i: -lengths[i]):
        target = min(range(world), key=lambda r: (load[r], r))
        parts[target].append(index)
        load[target] += lengths[index]
    return parts[rank] if world > 1 else list(indices)
