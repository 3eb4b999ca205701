"""What a training step keeps for the gradient."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.models.base import Model


def bytes_kept(model: Model, batch: Batch) -> int:
    """Of all tensors that the forward pass and the objectives keep, each counted once."""
    seen: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = model(batch)
        losses = [part.total for o in model.objectives() for part in o.parts(output, batch).values()]
    assert any(loss.requires_grad for loss in losses)
    return sum(seen.values())


def numbers_per_pair(model: Model, batch: Callable[[int], Batch], step: int) -> float:
    """How many numbers of 32 bits are kept for every two utterances of a conversation: the part that is quadratic.

    Args:
        model: in float32.
        batch: makes a batch of one conversation of so many utterances.
        step: of three lengths at equal distances, the first of them.
    """
    one, two, three = (bytes_kept(model, batch(n * step)) for n in (1, 2, 3))
    return (three - 2 * two + one) / (2 * step**2) / 4
