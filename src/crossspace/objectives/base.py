"""Objectives: named scalars that training reduces, written as sums and counts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.data.task import UNLABELLED
from crossspace.output import Output


@dataclass(frozen=True, slots=True)
class Part:
    """One mean inside an objective, kept as its two halves.

    Several processes, or the micro-batches of one step, add totals and counts before they divide: the mean over
    everything is not the mean of the means.
    """

    total: Tensor
    count: Tensor


class Objective(ABC):
    """A scalar to reduce: the sum of its parts, each a weighted mean over rows.

    It reads the output and the batch, and nothing else that depends on them (:meth:`Model.encode
    <crossspace.models.base.Model.encode>` says why), and returns the same parts for every batch, one without rows
    included.

    Attributes:
        name: how the objective is called in histories, figures and configurations.
        separable: totals and counts of some conversations and of others add up to those of all. False where rows of
            different conversations meet, as in a contrast with the whole batch; such an objective is refused with
            micro-batches.
        gathers: an objective that is not separable fetches the rows of the other processes by
            :func:`~crossspace.nn.processes.gathered` and returns the totals and counts of its own rows. One that does
            not is refused with several processes.
        needs_sentiments: it compares with the second label, which a corpus states or its emotions imply; one that has
            none in the training split is refused.
    """

    name: ClassVar[str]
    separable: ClassVar[bool] = True
    gathers: ClassVar[bool] = False
    needs_sentiments: ClassVar[bool] = False

    @abstractmethod
    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """The parts by name: one per modality for unimodal objectives, else a single one.

        Args:
            output: what the model said about the batch.
            batch: the batch; rows with label -100 take no part.
            class_weights: (C,) weight of a row by its label, for objectives that compare with labels.
        """


def labelled(batch: Batch) -> Tensor:
    """(N,) bool, the rows whose emotion is known (mu in equations 11 to 13)."""
    return batch.labels != UNLABELLED


def present_rows(batch: Batch, modality: str) -> Tensor:
    """(N,) bool, the labelled rows in which ``modality`` is present."""
    rows = labelled(batch)
    return rows if modality in (batch.complete or ()) else rows & batch.present[modality]
