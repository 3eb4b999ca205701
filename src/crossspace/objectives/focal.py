"""Focal losses: as Lin et al. define it, and as a line of released code for conversations computes it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.objectives.base import Objective, Part, labelled
from crossspace.output import Output


class FocalLoss(Objective):
    """``-w_y (1 - p_y)^gamma ln p_y`` of the fused prediction, averaged over labelled utterances (Lin et al., 2017).

    Args:
        gamma: how much less a certain prediction counts; 0 is cross-entropy.
        detach_factor: let no gradient through ``(1 - p_y)^gamma``, as MM-DFN's released code does.

    Note:
        Class weights enter as factors and not into the divisor, as in MM-DFN's released code: the mean is over
        utterances, whatever their weights.
    """

    name = "focal"

    def __init__(self, gamma: float = 2.0, detach_factor: bool = False) -> None:
        self.gamma, self.detach_factor = gamma, detach_factor

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """A single part, ``focal``."""
        rows = labelled(batch)
        logs = _log_probabilities(output.logits)
        labels = torch.where(rows, batch.labels, 0)
        right = logs.gather(1, labels[:, None])[:, 0]
        # 1 - p from the logarithm keeps its digits near one, and above zero a power below one has a finite slope.
        factor = (-torch.expm1(right)).clamp(min=torch.finfo(right.dtype).tiny) ** self.gamma
        loss = -(factor.detach() if self.detach_factor else factor) * right
        if class_weights is not None:
            loss = loss * class_weights.to(loss.dtype)[labels]
        return {self.name: Part(torch.where(rows, loss, 0.0).sum(), rows.sum().to(loss.dtype))}


class ReleasedFocalLoss(Objective):
    """``-(1 - y_c ln p_c)^gamma ln p_c`` averaged over labelled utterances *and* classes.

    So it stands in the released code of MMGCN, M3NET, HAUCL and CFN-ESA for MELD under the name of a focal loss, with
    the logarithm in the place of the probability and a term for every class: the right class counts ``(1 - ln
    p)^gamma (-ln p)``, and every wrong one ``-ln p_c``, which draws probabilities together like strong label smoothing.

    Args:
        gamma: the exponent.

    Note:
        CFN-ESA's code lets padding take part, as if it were labelled with the first class. Here there is no padding.
    """

    name = "released-focal"

    def __init__(self, gamma: float = 2.5) -> None:
        self.gamma = gamma

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """A single part, ``released-focal``; class weights do not enter, as in the released code."""
        rows = labelled(batch)
        logs = _log_probabilities(output.logits)
        right = F.one_hot(torch.where(rows, batch.labels, 0), logs.shape[1]).to(logs.dtype)
        loss = -((1.0 - right * logs) ** self.gamma) * logs
        total = torch.where(rows[:, None], loss, 0.0).sum()
        return {self.name: Part(total, rows.sum().to(loss.dtype) * logs.shape[1])}


def _log_probabilities(logits: Tensor) -> Tensor:
    return torch.log_softmax(logits.to(torch.promote_types(logits.dtype, torch.float32)), dim=1)
