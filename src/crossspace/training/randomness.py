"""Where the random numbers of a training stand, for a checkpoint within an epoch."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist


def random_states(device: torch.device) -> list[dict[str, Any]]:
    """The state of every process, by its rank; all of them call this at the same step."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    own = {
        "python": random.getstate(),
        "numpy": [str(kind), torch.from_numpy(np.asarray(keys).astype(np.int64)), *rest],
        "torch": torch.get_rng_state(),
        "device": torch.cuda.get_rng_state(device) if device.type == "cuda" else None,
    }
    if not (dist.is_available() and dist.is_initialized()) or dist.get_world_size() == 1:
        return [own]
    states: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(states, own)
    return states


def restore(states: Sequence[dict[str, Any]], rank: int, world: int, device: torch.device) -> None:
    """Go back to where they were taken; with another number of processes nobody has a state to go back to.

    The epoch then goes on with the random numbers of its beginning: as good as any, though no repetition.
    """
    if len(states) != world:
        return
    state = states[rank]
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), *rest))
    torch.set_rng_state(state["torch"])
    if state["device"] is not None and device.type == "cuda":
        torch.cuda.set_rng_state(state["device"], device)
