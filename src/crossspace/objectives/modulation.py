"""Modulation: gradients of parts of a model are scaled between clipping and the update."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.errors import UsageError
from crossspace.objectives.base import Part, present_rows
from crossspace.output import Output


class Modulation(ABC):
    """Factors by which the gradients of groups of parameters are multiplied at a step.

    What they rest on is measured on every share of the batch as totals and counts, which are added up over
    micro-batches and processes; the factors are then the same everywhere.

    Attributes:
        start: the first epoch, counted from 0, in which gradients are scaled.
        noise: also add Gaussian noise to every gradient of the groups, as large as the deviation of its entries after
            scaling.
    """

    start: int = 0
    noise: bool = False

    @abstractmethod
    def parts(self, output: Output, batch: Batch) -> dict[str, Part]:
        """What is measured, by name; without gradient."""

    @abstractmethod
    def factors(self, means: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """() factors by the name of a group of :meth:`Model.parameter_groups
        <crossspace.models.base.Model.parameter_groups>`, computed without waiting for the device.

        Args:
            means: totals over counts of the whole batch; 0 where nothing was counted.
        """


class DominantModality(Modulation):
    """Slows the modalities down that are ahead (OGM-GE, Peng et al. 2022; for more than two modalities Ada2I, 2024).

    A modality is as good as the mean probability that its unimodal prediction gives the right label; rho is that over
    the same of the worst modality. Gradients of its encoder are multiplied by ``1 - tanh(alpha rho)`` where rho is
    above 1.

    Args:
        groups: ``{modality: group}``, the parameter groups that hold the encoders.
        alpha: how strongly.
        start: the first epoch, counted from 0.
        noise: also add noise, to the encoders of all modalities (generalisation enhancement).

    Note:
        rho itself stands in the factor, not what it is above 1: the factor jumps there, as in the released code of
        both. A modality that no labelled row of the batch has keeps its gradients.
    """

    def __init__(self, groups: Mapping[str, str], alpha: float, start: int = 0, noise: bool = False) -> None:
        if not alpha >= 0:
            raise UsageError(f"`alpha` should be at least 0. Found {alpha}.")
        self.groups, self.alpha, self.start, self.noise = dict(groups), alpha, start, noise

    def parts(self, output: Output, batch: Batch) -> dict[str, Part]:
        """The probability of the right label by modality, over the labelled rows that have it."""
        right = batch.labels.clamp(min=0).unsqueeze(1)
        parts = {}
        for modality in self.groups:
            rows = present_rows(batch, modality)
            scores = torch.softmax(output.unimodal[modality].double(), dim=1).gather(1, right).squeeze(1)
            parts[modality] = Part(torch.where(rows, scores, 0.0).sum(), rows.sum().double())
        return parts

    def factors(self, means: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """By group, 1 for the worst modality."""
        scores = torch.stack([means[modality] for modality in self.groups])
        worst = torch.where(scores > 0, scores, torch.inf).min()
        ratios = scores / worst
        factors = torch.where(ratios > 1, 1 - torch.tanh(self.alpha * ratios), 1.0)
        return dict(zip(self.groups.values(), factors, strict=True))
