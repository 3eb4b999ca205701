"""What MMGCN and MM-DFN share: one graph of all modalities of a conversation between encoders and classifier."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.bounds import check_counts, check_shares, check_weights
from crossspace.data.task import TaskSpec
from crossspace.models.base import Model
from crossspace.models.leading import leading_modality
from crossspace.models.released_unused import unused_parameters
from crossspace.nn.dropout import Dropout
from crossspace.nn.gcnii import InitialResidual, Maps
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.similarity_graph import SimilarityBlock, from_node_blocks, similarity_graph, to_node_blocks
from crossspace.nn.standardise import Standardise
from crossspace.output import Output


class MultimodalGraph(Model):
    """Base of the models in which every modality of every utterance is a node.

    Every modality is mapped to a common width. What a model makes of these rows are the nodes; edges weigh the angles
    between them. What the convolutions give is classified together with what they were given.

    A modality that is missing in an utterance has no node there: it is joined to nothing and zero where the classifier
    reads it by a linear map, which leaves it out.

    Args:
        task: labels, modalities and speakers.
        width: of the nodes before the graph.
        graph_width: of the nodes inside the graph.
        layers: convolutions.
        alpha, theta: of the convolutions.
        dropout: on the nodes and before the classes.
        leading: the modality that takes the part of the text.
        standardise: scale features by mean and deviation of the training split.
        hold_unused: also hold what the released code never uses.
    """

    def __init__(
        self,
        task: TaskSpec,
        width: int,
        graph_width: int,
        layers: int,
        alpha: float,
        theta: float,
        dropout: float,
        leading: str | None,
        standardise: bool,
        hold_unused: bool,
    ) -> None:
        super().__init__(task)
        check_counts(0, layers=layers)
        check_counts(most=None, width=width, graph_width=graph_width)
        check_shares(alpha=alpha, dropout=dropout)
        check_weights(theta=theta)
        self.leading = leading_modality(task, leading)
        self.standardise = Standardise(task.widths) if standardise else None
        self.projection = nn.ModuleDict({m: Linear(d, width) for m, d in task.widths.items()})
        self.dropout = Dropout(dropout)
        self.input = Linear(width, graph_width)
        self.convolutions = InitialResidual(graph_width, layers, alpha, theta)
        self.classifier = Linear(len(task.modalities) * (width + graph_width), len(task.labels))
        self.unused = unused_parameters(task, width, graph_width) if hold_unused else None

    @abstractmethod
    def contextual_rows(self, rows: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Mapped rows (N, width) by modality, zero where it is missing, to those the graph is made of."""

    @abstractmethod
    def convolved(self, graph: SimilarityBlock, first: Tensor, layers: list[Maps]) -> Tensor:
        """The first nodes (b, M, t, graph_width) of a block to the last ones."""

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """(N, width + graph_width) of every modality: what went into the graph and what came out of it."""
        names = self.task.modalities
        complete = all(batch.presence(m) is None for m in names)
        present = None if complete else torch.stack([batch.present[m] for m in names], dim=1)
        rows = self.contextual_rows(self._mapped(batch), batch)
        # A row that is missing is zero here, but a context or an embedding may have been added to it.
        encoded = torch.stack([only(rows[m], batch.presence(m)) for m in names], dim=1)
        graph = similarity_graph(encoded, batch.layout, present)
        entering = self.dropout(encoded)
        first = torch.relu(self.input(entering.flatten(0, 1))).unflatten(0, entering.shape[:2])
        if present is not None:
            first = torch.where(present.unsqueeze(2), first, 0.0)  # the bias is no node
        nodes = torch.cat([entering, self._through(graph, first, batch)], dim=2)
        return dict(zip(names, nodes.unbind(1), strict=True))

    def _mapped(self, batch: Batch) -> dict[str, Tensor]:
        mapped = {}
        for m, projection in self.projection.items():
            present = batch.presence(m)
            features = self.scaled(batch, m)
            mapped[m] = only(projection(only(features, present)), present)
        return mapped

    def _through(self, graph: list[SimilarityBlock], first: Tensor, batch: Batch) -> Tensor:
        """(N, M, graph_width) first nodes to the last ones; a block goes through all layers before the next one."""
        if not graph:
            return first
        layers = self.convolutions.maps()
        starts = to_node_blocks(first, batch.layout)
        lasts = [self.convolved(block, start, layers) for block, start in zip(graph, starts, strict=True)]
        return from_node_blocks(lasts, batch.layout)

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of every utterance."""
        nodes = torch.cat([representation[m] for m in self.task.modalities], dim=1)
        return Output(self.classifier(torch.relu(self.dropout(nodes))), {}, representation)

    def numbers_per_pair(self) -> float:
        """Cosines, weights, and the weights with one and with both halves of their normalisation, per modality."""
        return 4.0 * len(self.task.modalities)

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the classifier."""
        return self.parameters_but(self.classifier)
