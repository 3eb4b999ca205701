"""A file of a user's own: a model that asks much of the training step, and what belongs to it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from crossspace import Batch, Model, Output, TaskSpec
from crossspace.balance import Balancer
from crossspace.data.task import UNLABELLED
from crossspace.features.extractors.base import TextExtractor
from crossspace.nn.history import history
from crossspace.objectives.base import Objective, Part
from crossspace.objectives.classification import CrossEntropy

WINDOW = 3
"""Utterances within which pairs are compared."""


class Lengths(TextExtractor):
    """How long a text is, four times."""

    name, licence, width, version, parameters = "lengths", "none", 4, "1", {}

    def extract(self, items):
        return [np.full(4, len(text), np.float32) for text in items]


class Doubled(CrossEntropy):
    """The cross-entropy, twice."""

    name = "doubled"

    def parts(self, output, batch, class_weights=None):
        parts = super().parts(output, batch, class_weights)
        return {key: Part(2 * part.total, part.count) for key, part in parts.items()}


class Shift(Objective):
    """Whether two utterances differ in their emotion, over the pairs of which both are labelled."""

    name = "turning"

    def parts(self, output, batch, class_weights=None):
        pairs = batch.layout.pairs(WINDOW)
        one, other = batch.labels[pairs.first], batch.labels[pairs.second]
        known = (one != UNLABELLED) & (other != UNLABELLED)
        loss = nn.functional.binary_cross_entropy_with_logits(
            output.extras["shift"], (one != other).to(output.extras["shift"].dtype), reduction="none"
        )
        return {self.name: Part(torch.where(known, loss, 0.0).sum(), known.sum().to(loss.dtype))}


class Calm(Objective):
    """How far the encoder's context is from rest: a loss on a tensor from below the cut."""

    name = "calm"

    def parts(self, output, batch, class_weights=None):
        unrest = output.extras["unrest"]
        return {self.name: Part(unrest.sum(), unrest.new_full((), len(unrest)))}


class Halves(Balancer):
    """Every objective counts half."""

    name, needs = "halves", "losses"

    def weights(self, losses, gram=None):
        return torch.full(losses.shape, 0.5, dtype=torch.float64)


class Mine(Model):
    """Every utterance beside what its own speaker and the others said before.

    Args:
        task: labels, modalities and speakers.
        width: of the layers.
        past: utterances of the past that count.
    """

    name, citation = "mine", "unpublished"
    causal = True

    def __init__(self, task: TaskSpec, *, width: int = 4, past: int = 2) -> None:
        super().__init__(task)
        self.past = past
        self.layer = nn.ModuleDict({m: nn.Linear(d, width) for m, d in task.widths.items()})
        self.mixture = nn.Linear(3 * width, width)
        self.shift = nn.Linear(width, 1)
        self.head = nn.Linear(width, len(task.labels))

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        present = {m: batch.present[m].unsqueeze(1) for m in self.layer}
        rows = sum(torch.where(present[m], layer(batch.features[m]), 0.0) for m, layer in self.layer.items())
        past = history(rows, batch.speakers, batch.layout.past, self.past, owner=self)
        said = [self._mean(past.rows, said_by) for said_by in (past.own, past.others)]
        context = torch.tanh(self.mixture(torch.cat([rows, *said], dim=1)))
        pairs = batch.layout.pairs(WINDOW)
        both = context[pairs.first] * context[pairs.second]
        return {"context": context, "pairs": both, "unrest": context.square().sum(1)}

    def decode(self, representation, batch: Batch) -> Output:
        extras = {"shift": self.shift(representation["pairs"])[:, 0], "unrest": representation["unrest"]}
        rows = {"context": representation["context"]}
        return Output(self.head(rows["context"]), {}, rows, extras)

    def objectives(self):
        return [Doubled(), Shift(), Calm()]

    def shared_parameters(self):
        return [*self.layer.parameters(), *self.mixture.parameters()]

    @staticmethod
    def _mean(window: Tensor, chosen: Tensor) -> Tensor:
        count = chosen.sum(1, keepdim=True).clamp(min=1)
        return (window * chosen.unsqueeze(2)).sum(1) / count
