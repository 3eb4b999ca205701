"""Shift: whether two utterances of a conversation carry different labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.data.task import UNLABELLED
from crossspace.errors import UsageError
from crossspace.objectives.base import Objective, Part
from crossspace.output import Output


class Shift(Objective):
    """Cross-entropy of "the same" and "another" over ordered pairs of utterances, each with itself among them.

    As in CFN-ESA (Li et al. 2024) for emotions, over whole conversations, and in GraphSmile (Li et al. 2025) for
    sentiments, within windows.

    Args:
        logits: name of the (P, 2) logits among the extras of the output, in the order of ``layout.pairs(window)``.
        window: utterances of the windows into which conversations are cut; none pairs whole conversations.
        label: what is compared, the ``emotion`` or the ``sentiment``.
        weights: of "the same" and of "another"; the mean is then divided by the sum of the weights of its pairs.
        weight: what the objective is multiplied by.
    """

    name = "shift"

    def __init__(
        self,
        logits: str,
        window: int | None = None,
        label: Literal["emotion", "sentiment"] = "emotion",
        weights: Sequence[float] = (1.0, 1.0),
        weight: float = 1.0,
    ) -> None:
        if len(weights) != 2 or not all(w > 0 for w in weights):
            raise UsageError(f"`weights` should be two numbers above 0. Found {list(weights)}.")
        self.logits, self.window, self.label = logits, window, label
        self.weights, self.weight = tuple(weights), weight
        self.needs_sentiments = label == "sentiment"  # type: ignore[misc]

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """A single part, ``shift``; pairs of which one is unlabelled take no part, and class weights do not enter."""
        labels = batch.labels if self.label == "emotion" else batch.sentiments
        if labels is None:  # a batch that was made by hand
            labels = torch.full_like(batch.labels, UNLABELLED)
        pairs = batch.layout.pairs(self.window)
        one, other = labels[pairs.first], labels[pairs.second]
        known = (one != UNLABELLED) & (other != UNLABELLED)
        shifted = one != other
        logits = output.extras[self.logits]
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        losses = F.cross_entropy(logits, shifted.long(), reduction="none")
        same, changed = (rows.to(logits.dtype) for rows in (known & ~shifted, known & shifted))
        weights = same * self.weights[0] + changed * self.weights[1]
        total, count = torch.where(known, losses * weights, 0.0).sum(), weights.sum()
        return {self.name: Part(self.weight * total, count)}
