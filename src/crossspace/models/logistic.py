"""Multinomial logistic regression on the features of each utterance alone: the least that a model has to beat."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.base import Model
from crossspace.nn.missing import only
from crossspace.nn.standardise import Standardise
from crossspace.output import Output


class LogisticRegression(Model):
    """A linear map of the standardised features of an utterance to its logits; no other utterance is looked at.

    A missing modality counts as its mean, and one further feature per modality says that it is missing.

    Args:
        task: labels, modalities and speakers (which it does not use).
        input_dropout: on the standardised features.

    Note:
        The trainer minimises the cross-entropy step by step. With ``weight_decay`` under the optimizer ``adam`` this
        is a penalty on the squared weights, as in the textbook.
    """

    name = "logistic-regression"
    citation = "Bishop, Pattern Recognition and Machine Learning, Springer 2006, section 4.3.4"
    contextual = False
    causal = True
    fillable = True

    def __init__(self, task: TaskSpec, *, input_dropout: float = 0.0) -> None:
        super().__init__(task)
        self.standardise = Standardise(task.widths)
        self.input_dropout = nn.Dropout(input_dropout)
        self.classifier = nn.Linear(sum(task.widths.values()) + len(task.widths), len(task.labels))

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """The logits themselves, under the single key ``logits``: there is nothing between features and classes."""
        columns, absent = [], []
        for m in self.task.modalities:
            columns.append(only(self.standardise(m, batch.features[m]), batch.presence(m)))
            absent.append((~batch.present[m]).to(columns[-1].dtype).unsqueeze(1))
        rows = self.input_dropout(torch.cat(columns, dim=1))
        return {"logits": self.classifier(torch.cat([rows, *absent], dim=1))}

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of every utterance."""
        return Output(representation["logits"], {}, representation)
