"""Cross-entropy of the fused prediction (equation 11) and of every modality alone (equation 12)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.data.task import UNLABELLED
from crossspace.objectives.base import Objective, Part, labelled, present_rows
from crossspace.output import Output


class CrossEntropy(Objective):
    """L1: cross-entropy of the fused logits, averaged over labelled utterances (equation 11).

    With class weights the mean is weighted: divided by the sum of the weights of its rows, as in the released code.

    Args:
        smoothing: label smoothing, 0 for none.
    """

    name = "fused"

    def __init__(self, smoothing: float = 0.0) -> None:
        self.smoothing = smoothing

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """A single part, ``fused``."""
        rows = labelled(batch)
        return {self.name: cross_entropy(output.logits, batch.labels, rows, class_weights, self.smoothing)}


class UnimodalCrossEntropy(Objective):
    """L2: cross-entropies of the unimodal logits, summed over modalities (equation 12).

    Each modality is averaged over the labelled utterances in which it is present, so that an absent one has no loss.

    Args:
        smoothing: label smoothing, 0 for none.
    """

    name = "unimodal"

    def __init__(self, smoothing: float = 0.0) -> None:
        self.smoothing = smoothing

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """One part ``unimodal.<modality>`` for each."""
        return {
            f"{self.name}.{m}": cross_entropy(
                logits, batch.labels, present_rows(batch, m), class_weights, self.smoothing
            )
            for m, logits in output.unimodal.items()
        }


def cross_entropy(
    logits: Tensor, labels: Tensor, rows: Tensor, class_weights: Tensor | None = None, smoothing: float = 0.0
) -> Part:
    """Sum of cross-entropies over the chosen rows, and the sum of their weights.

    Args:
        logits: (N, C); labels: (N,) with -100 where unknown; rows: (N,) bool.
        class_weights: (C,) or None for ones.
        smoothing: mass of the target that is spread evenly over the classes.
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    targets = torch.where(rows, labels, UNLABELLED)
    class_weights = None if class_weights is None else class_weights.to(logits.dtype)
    total = F.cross_entropy(
        logits, targets, weight=class_weights, ignore_index=UNLABELLED, reduction="sum", label_smoothing=smoothing
    )
    if class_weights is None:
        return Part(total, rows.sum().to(total.dtype))
    weights = class_weights[targets.clamp(min=0)]
    return Part(total, torch.where(rows, weights, 0.0).sum())
