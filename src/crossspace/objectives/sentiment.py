"""The second label: what is felt, as negative, neutral or positive."""

from __future__ import annotations

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.data.task import UNLABELLED
from crossspace.objectives.base import Objective, Part
from crossspace.objectives.classification import cross_entropy
from crossspace.output import Output


class SentimentCrossEntropy(Objective):
    """Cross-entropy of the sentiment, averaged over the utterances that have one (GraphSmile, Li et al. 2025).

    Args:
        logits: name of the (N, S) logits among the extras of the output.
        weight: what the objective is multiplied by.
    """

    name = "sentiment"
    needs_sentiments = True

    def __init__(self, logits: str, weight: float = 1.0) -> None:
        self.logits, self.weight = logits, weight

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """A single part, ``sentiment``; class weights, which are of emotions, do not enter."""
        labels = batch.sentiments
        if labels is None:  # a batch that was made by hand
            labels = torch.full_like(batch.labels, UNLABELLED)
        part = cross_entropy(output.extras[self.logits], labels, labels != UNLABELLED)
        return {self.name: Part(self.weight * part.total, part.count)}
