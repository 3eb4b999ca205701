"""Distillation from the fused prediction to every modality alone (equation 13)."""

from __future__ import annotations

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.objectives.base import Objective, Part, present_rows
from crossspace.output import Output


class Distillation(Objective):
    """L3: KL(fused || unimodal) at temperature T, summed over modalities, averaged over utterances (equation 13).

    Args:
        temperature: T, divides the logits of teacher and student. There is no factor T^2.
        detach_teacher: keep the gradient of this objective out of the fused branch. The released code does not.
    """

    name = "distillation"

    def __init__(self, temperature: float = 1.0, detach_teacher: bool = False) -> None:
        self.temperature = temperature
        self.detach_teacher = detach_teacher

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """One part per modality; class weights do not enter, as in the released code."""
        teacher = output.logits.detach() if self.detach_teacher else output.logits
        target = self._log_probabilities(teacher)
        parts = {}
        for modality, logits in output.unimodal.items():
            rows = present_rows(batch, modality)
            divergence = (target.exp() * (target - self._log_probabilities(logits))).sum(1)
            total = torch.where(rows, divergence, 0.0).sum()
            parts[f"{self.name}.{modality}"] = Part(total, rows.sum().to(total.dtype))
        return parts

    def _log_probabilities(self, logits: Tensor) -> Tensor:
        wide = logits.to(torch.promote_types(logits.dtype, torch.float32))
        return torch.log_softmax(wide / self.temperature, dim=1)
