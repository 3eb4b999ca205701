"""A penalty on the weights of a model, which they hand on beside their predictions."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.errors import UsageError
from crossspace.objectives.base import Objective, Part, labelled
from crossspace.output import Output

PENALTY = "weight_penalty"
"""The name of (1,) :func:`mean_half_square` among the extras of an output."""


class WeightPenalty(Objective):
    """``weight`` times the mean over tensors of half their squared norm, as CMN and ICON are trained with it.

    A mean over tensors and not a sum, so that it is weak. Every labelled utterance counts it once: its share of a step
    is that of the cross-entropy, in micro-batches too.

    Args:
        weight: of the penalty.
    """

    name = "penalty"

    def __init__(self, weight: float = 0.001) -> None:
        if not weight >= 0:
            raise UsageError(f"`weight` of the penalty should be at least 0. Found {weight}.")
        self.weight = weight

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """A single part, ``penalty``; class weights do not enter."""
        count = labelled(batch).sum().to(output.logits.dtype)
        return {self.name: Part(self.weight * output.extras[PENALTY].sum() * count, count)}


def mean_half_square(tensors: Sequence[Tensor]) -> Tensor:
    """(1,) the mean over ``tensors`` of half their squared norm."""
    return torch.stack([0.5 * tensor.square().sum() for tensor in tensors]).mean().reshape(1)
