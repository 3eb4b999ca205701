"""What the memory networks of Hazarika et al. share: a query, the past of its speaker, and the past of the others."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.bounds import check_counts, check_shares
from crossspace.data.task import TaskSpec
from crossspace.models.base import Model
from crossspace.nn.dropout import Dropout
from crossspace.nn.history import Windows
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.ragged import reorder
from crossspace.nn.standardise import Standardise
from crossspace.nn.window_gru import ResetBeforeGRU, walk_apart
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.weight_penalty import PENALTY, WeightPenalty, mean_half_square
from crossspace.output import Output

_MASKED = -1e4
"""The score of an empty slot."""


class Past(NamedTuple):
    """The windows of N queries, as both GRUs of the parties have read them.

    Attributes:
        windows: whose slots are which.
        heard: (M, width) of every filled slot, after dropout.
        own: (M,) bool, by the query's own speaker.
    """

    windows: Windows
    heard: Tensor
    own: Tensor


def scores_of(query: Tensor, memory: Tensor) -> Tensor:
    """(N, f) products of (N, d) queries with the (N, f, d) that stands in their slots."""
    return (query.unsqueeze(1) @ memory.transpose(1, 2)).squeeze(1)  # three times as fast as the memory on the left


class MemoryNetwork(Model):
    """Base of CMN and ICON: a query reads memories of its past in hops; nothing of the future is seen.

    Args:
        task: labels, modalities and speakers.
        width: d of the query and of all states.
        window: K, how many earlier utterances a query looks back on.
        hops: how often it reads the memories.
        dropout: on the states of the parties' GRUs and on the weights of attention.
        penalty: weight of the penalty on the weights.
        standardise: scale features by mean and deviation of the training split.
    """

    causal = True
    no_graph = "its windows of the past are read slot by slot, and how many fill a slot depends on the speakers"

    def __init__(
        self, task: TaskSpec, width: int, window: int, hops: int, dropout: float, penalty: float, standardise: bool
    ) -> None:
        super().__init__(task)
        check_counts(window=window, hops=hops)
        check_counts(most=None, width=width)
        check_shares(dropout=dropout)
        inputs = sum(task.widths.values())
        WeightPenalty(penalty)  # refuses what is no weight, before anything is trained
        self.window, self.hops, self.penalty = window, hops, penalty
        self.standardise = Standardise(task.widths) if standardise else None
        self.query = Linear(inputs, width)
        self.own, self.others = ResetBeforeGRU(inputs, width), ResetBeforeGRU(inputs, width)
        self.dropout = Dropout(dropout)
        self.classifier = Linear(width, len(task.labels))
        nn.init.xavier_uniform_(self.query.weight)
        nn.init.zeros_(self.query.bias)
        for parameter in self.classifier.parameters():
            nn.init.normal_(parameter, std=0.01)

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """(N, d) the query after its last hop, under the single key ``context``."""
        rows = self._concatenated(batch)
        query = torch.tanh(self.query(rows))
        if not len(rows):
            return {"context": query}
        past = self._past(rows, batch)
        windows = past.windows
        query = self._recall(reorder(query, windows.order, windows.back), past)
        return {"context": reorder(query, windows.back, windows.order)}

    def _concatenated(self, batch: Batch) -> Tensor:
        return torch.cat([only(self.scaled(batch, m), batch.presence(m)) for m in self.task.modalities], dim=1)

    def _past(self, rows: Tensor, batch: Batch) -> Past:
        windows = Windows(batch.layout, self.window)
        own = windows.own(batch.speakers, self)
        # Every utterance is projected once, for either role in which a query may meet it.
        line = windows.line(torch.stack([self.others.read(rows), self.own.read(rows)], dim=1), self)
        read = windows.of(line, own.long())
        return Past(windows, self.dropout(walk_apart(self.own, self.others, read, own, windows.sizes)), own)

    @abstractmethod
    def _recall(self, query: Tensor, past: Past) -> Tensor:
        """(N, d) queries, in the order of the windows, to as many after all hops."""

    def _attention(self, scores: Tensor, filled: Tensor) -> Tensor:
        """(N, f) scores of the slots to weights, zero where a slot is empty."""
        weights = torch.softmax(torch.tanh(scores).masked_fill(~filled, _MASKED), dim=1)
        return self.dropout(weights) * filled.to(weights.dtype)

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of every utterance, and among the extras the penalty."""
        extras = {PENALTY: mean_half_square(self.penalised())}
        return Output(self.classifier(representation["context"]), {}, representation, extras)

    def penalised(self) -> list[Tensor]:
        """What the penalty is on: all weights, and the bias of the classifier."""
        cells = [module for module in self.modules() if isinstance(module, ResetBeforeGRU)]
        kernels = [kernel for cell in cells for kernel in (cell.gates, cell.candidate)]
        return [self.query.weight, *kernels, self.classifier.weight, self.classifier.bias]

    def objectives(self) -> list[Objective]:
        """The cross-entropy, and the penalty unless its weight is 0."""
        return [CrossEntropy(), *([WeightPenalty(self.penalty)] if self.penalty else [])]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the classifier."""
        return self.parameters_but(self.classifier)
