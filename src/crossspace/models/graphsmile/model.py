"""GraphSmile (Li et al., IEEE TPAMI 2025): a graph between every two modalities, and the dynamics of sentiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.batching.pairs import Pairs
from crossspace.bounds import check_counts, check_shares, check_weights
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.models.graphsmile.graph import SLOPE, PairGraph, Weights
from crossspace.models.graphsmile.sides import BothSides
from crossspace.models.leading import leading_modality
from crossspace.nn.batch_norm import BatchNorm
from crossspace.nn.dropout import Dropout
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.standardise import Standardise
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.sentiment import SentimentCrossEntropy
from crossspace.objectives.shift import Shift
from crossspace.output import Output


class GraphSmile(Model):
    """Graphs between every two modalities, in windows; sentiments and their shifts are learnt beside the emotion.

    Every modality is mapped to a common width. In the graph of two modalities each utterance of the one is joined to
    those of the other that are near, never to its own. What every layer of each graph holds is read by a small network
    and added up; one map, shared by all halves of all graphs, and their mean give one row per utterance. Three
    objectives, summed with their weights: the emotion, the sentiment, and whether the sentiments of two utterances of
    a window differ. Train it with the balancer ``fixed``.

    Args:
        task: labels, at least two modalities, speakers (who speaks is not used), sentiments.
        width: h of all rows.
        layers: of every graph.
        past, future: how many utterances back and ahead an edge reaches; none for all.
        edge_weights: learned ``by-distance`` and direction, or ``by-position`` of the edge in the batch as in the
            released code, where they mean nothing beyond one batch, which one process takes whole.
        dropout: behind the maps to the common width, and on what is read.
        shift_window: utterances of the windows in which sentiments are compared; none for whole conversations.
        sentiment_weight: of the sentiment among the objectives; 0 leaves it out.
        shift_weight: of the shift; 0 leaves it out.
        leading: the modality whose features are batch-normalised; ``text``, or the first of a task without text, when
            not named. Of several vectors the first alone is read.
        standardise: scale features by mean and deviation of the training split; the released code does not.
        hold_unused: also hold, frozen, what the released code holds and never uses: batch norms of three further
            text vectors, and a template of the readers per graph.

    Note:
        Mended: weights of edges belong to a distance and not to a place in the batch; a degree that is not positive
        counts as none, where the released code has NaN; batch statistics are of real utterances alone. A missing
        modality has no edge, no part in the statistics, and no half in the mean. Sentiments are those of the corpus, or
        implied by its emotions; a corpus with neither is refused unless both weights are 0. The layers of a graph begin
        as copies.
    """

    name = "graphsmile"
    citation = (
        "Li et al., Tracing Intricate Cues in Dialogue: Joint Graph Structure and Sentiment Dynamics for Multimodal "
        "Emotion Recognition, IEEE TPAMI 2025, doi:10.1109/TPAMI.2025.3581236"
    )
    least_modalities = 2

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 512,
        layers: int = 7,
        past: int | None = 17,
        future: int | None = 17,
        edge_weights: Weights = "by-distance",
        dropout: float = 0.2,
        shift_window: int | None = 19,
        sentiment_weight: float = 1.0,
        shift_weight: float = 0.7,
        leading: str | None = None,
        standardise: bool = False,
        hold_unused: bool = False,
    ) -> None:
        super().__init__(task)
        check_counts(0, layers=layers)
        check_counts(most=None, width=width)
        check_shares(dropout=dropout)
        check_weights(sentiment_weight=sentiment_weight, shift_weight=shift_weight)
        if edge_weights not in ("by-distance", "by-position"):
            raise UsageError(f"`edge_weights` should be 'by-distance' or 'by-position'. Found {edge_weights!r}.")
        for name, side in (("past", past), ("future", future)):
            if side is not None and side < 0:
                raise UsageError(f"`{name}` should be at least 0, or none for all. Found {side}.")
        if shift_window is not None and shift_window < 1:
            raise UsageError(f"`shift_window` should be at least 1, or none for all. Found {shift_window}.")
        self.leading = leading_modality(task, leading)
        self.shift_window, self.sentiment_weight, self.shift_weight = shift_window, sentiment_weight, shift_weight
        widths = dict(task.widths)
        widths[self.leading] //= task.vectors.get(self.leading, 1)
        self.standardise = Standardise(task.widths) if standardise else None
        self.norm = BatchNorm(widths[self.leading])
        self.projection = nn.ModuleDict({m: Linear(d, width) for m, d in widths.items()})
        self.graphs = nn.ModuleList(
            PairGraph(width, layers, (past, future), edge_weights, dropout) for _ in combinations(widths, 2)
        )
        self.fusion = Linear(width, width)
        self.dropout = Dropout(dropout)
        self.classifier = nn.Linear(width, len(task.labels))
        self.sentiment = nn.Linear(width, len(task.sentiments)) if sentiment_weight else None
        self.shift = nn.Linear(2 * width, 2) if shift_weight else None
        self.unused = _unused(widths[self.leading], width, len(self.graphs)) if hold_unused else None

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """(N, h) of every utterance, under the single key ``context``."""
        layout, present = batch.layout, {m: batch.presence(m) for m in self.projection}
        rows = {}
        for m, projection in self.projection.items():
            x = self.scaled(batch, m)
            if m == self.leading:
                x = self.norm(x[:, : len(self.norm.weight)], present[m])
            mapped = self.dropout(F.leaky_relu(projection(only(x, present[m])), SLOPE))
            rows[m] = only(mapped, present[m])
        halves: list[tuple[str, Tensor]] = []
        both = BothSides(layout)
        for graph, (one, other) in zip(self.graphs, combinations(rows, 2), strict=True):
            pair = graph(rows[one], rows[other], both, present[one], present[other])
            halves += zip((one, other), pair, strict=True)
        return {"context": self._fused(halves, present)}

    def _fused(self, halves: Sequence[tuple[str, Tensor]], present: Mapping[str, Tensor | None]) -> Tensor:
        """(N, h) the mean of the mapped halves whose modality is there; zero where none is."""
        count = len(halves[0][1])
        mapped = F.leaky_relu(self.fusion(torch.cat([rows for _, rows in halves])), SLOPE)
        parts = mapped.unflatten(0, (len(halves), count))
        total = torch.stack([only(x, present[m]) for (m, _), x in zip(halves, parts, strict=True)]).sum(0)
        if all(p is None for p in present.values()):
            return total / len(halves)
        there = torch.stack([_as_numbers(present[m], total) for m, _ in halves]).sum(0)
        return total / there.clamp(min=1).unsqueeze(1)

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of the emotion and, for the objectives, of the sentiment and of shifts."""
        rows, extras = representation["context"], {}
        if self.sentiment is not None:
            extras["sentiment"] = self.sentiment(rows)
        # Nobody asks for shifts but the objective, which reads labels; a prediction has none.
        if self.shift is not None and (self.training or torch.is_grad_enabled()):
            extras["shift"] = self._shifts(self.shift, rows, batch.layout.pairs(self.shift_window))
        return Output(self.classifier(rows), {}, representation, extras)

    def _shifts(self, shift: nn.Linear, rows: Tensor, pairs: Pairs) -> Tensor:
        """(P, 2); the map of two rows side by side is the sum of two maps, of one row each."""
        one, other = shift.weight.chunk(2, dim=1)
        first, second = F.linear(rows, one, shift.bias), F.linear(rows, other)
        return first.index_select(0, pairs.first) + second.index_select(0, pairs.second)

    def objectives(self) -> list[Objective]:
        """Emotion, sentiment and shift."""
        objectives: list[Objective] = [CrossEntropy()]
        if self.sentiment is not None:
            objectives.append(SentimentCrossEntropy("sentiment", self.sentiment_weight))
        if self.shift is not None:
            objectives.append(Shift("shift", self.shift_window, "sentiment", weight=self.shift_weight))
        return objectives

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the three classifiers."""
        return self.parameters_but(self.classifier, self.sentiment, self.shift)

    def numbers_per_pair(self) -> float:
        """Of each graph the edges, their weights and both normalised adjacencies."""
        return 8.0 * len(self.graphs)


def _as_numbers(present: Tensor | None, like: Tensor) -> Tensor:
    return like.new_ones(len(like)) if present is None else present.to(like.dtype)


def _unused(features: int, width: int, graphs: int) -> nn.ParameterList:
    """Frozen parameters that nothing reads: of three batch norms, and of a linear map for every graph."""
    shapes = [(features,), (features,)] * 3 + [(width, width), (width,)] * graphs
    return nn.ParameterList(nn.Parameter(torch.zeros(shape), requires_grad=False) for shape in shapes)
