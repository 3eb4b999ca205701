"""MMGCN (Hu et al., ACL 2021): deep convolutions over one graph of all modalities of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.models.leading import leading_modality
from crossspace.models.released_unused import unused_parameters
from crossspace.nn.dropout import Dropout
from crossspace.nn.encoders.lstm import LSTMEncoder
from crossspace.nn.gcnii import InitialResidual, convolved
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.similarity_graph import SimilarityBlock, from_node_blocks, similarity_graph, to_node_blocks
from crossspace.nn.standardise import Standardise
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.focal import ReleasedFocalLoss
from crossspace.output import Output


class MMGCN(Model):
    """Every utterance is one node per modality; similar nodes exchange what they hold, over many layers.

    Every modality is mapped to a common width; the leading one is then read by a bidirectional LSTM and given its
    speaker. Nodes of one modality of a conversation are all joined, and so are the nodes of one utterance; edges weigh
    the angle between the nodes they join. Convolutions with initial residual and identity mapping (GCNII) run over
    this graph, and what they give is classified together with what they were given.

    Args:
        task: labels, modalities and speakers.
        width: of the encoded modalities; even.
        graph_width: of the nodes inside the graph.
        layers: convolutions. The released code always has 64; the 4 of its command line reach nothing, and which of
            them the paper's figures are from is not known.
        alpha: share of the first nodes in what passes a convolution unmapped (the code has 0.1 for itself, whatever its
            command line says).
        theta: how much of a convolution is mapped.
        dropout: on the nodes before the graph, on those between its layers, inside the LSTM and before the classes.
        leading: the modality that is read in its context and says who speaks; ``text``, or the first, if none.
        loss: ``cross-entropy``, or ``released-focal`` as the released code has it for MELD.
        gamma: of the focal loss.
        standardise: scale features by mean and deviation of the training split; the released code does not.
        hold_unused: also hold, frozen, what the released code holds and never uses. Nothing changes but the number of
            parameters, which is then the released one, but for the extra row of the speaker table.

    Note:
        A missing modality has no node in that utterance: it is joined to nothing, the LSTM passes over it, and it is
        zero where the classifier reads it by a linear map, which leaves it out. The released code knows none.

        Mended: the released LSTM reads backwards from the padding on, so that an utterance depends on the longest
        conversation of its batch; here it begins at the last utterance. The last row of the speaker table serves
        speakers beyond those told apart; the released table has no such row.
    """

    name = "mmgcn"
    citation = (
        "Hu et al., MMGCN: Multimodal Fusion via Deep Graph Convolution Network for Emotion Recognition in "
        "Conversation, ACL-IJCNLP 2021, doi:10.18653/v1/2021.acl-long.440"
    )
    published: ClassVar[Mapping[str, tuple[float, float]]] = {"iemocap": (66.61, 66.25), "meld": (61.34, 58.41)}

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 200,
        graph_width: int = 100,
        layers: int = 64,
        alpha: float = 0.1,
        theta: float = 0.5,
        dropout: float = 0.4,
        leading: str | None = None,
        loss: Literal["cross-entropy", "released-focal"] = "cross-entropy",
        gamma: float = 2.5,
        standardise: bool = False,
        hold_unused: bool = False,
    ) -> None:
        super().__init__(task)
        if loss not in ("cross-entropy", "released-focal"):
            raise UsageError(f"`loss` should be 'cross-entropy' or 'released-focal'. Found {loss!r}.")
        self.leading, self.loss, self.gamma = leading_modality(task, leading), loss, gamma
        self.standardise = Standardise(task.widths) if standardise else None
        self.projection = nn.ModuleDict({m: Linear(d, width) for m, d in task.widths.items()})
        self.context = LSTMEncoder(width, layers=2, dropout=dropout)
        self.speaker = nn.Embedding(task.speaker_slots, width)
        self.dropout = Dropout(dropout)
        self.input = Linear(width, graph_width)
        self.convolutions = InitialResidual(graph_width, layers, alpha, theta)
        self.classifier = Linear(len(task.modalities) * (width + graph_width), len(task.labels))
        self.unused = unused_parameters(task, width, graph_width) if hold_unused else None

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """(N, width + graph_width) of every modality: what went into the graph and what came out of it."""
        encoded = self._encoded(batch)
        present = None
        if any(batch.presence(m) is not None for m in self.task.modalities):
            present = torch.stack([batch.present[m] for m in self.task.modalities], dim=1)
        graph = similarity_graph(encoded, batch.layout, present)
        rows = self.dropout(encoded)
        first = torch.relu(self.input(rows.flatten(0, 1))).unflatten(0, rows.shape[:2])
        if present is not None:
            first = torch.where(present.unsqueeze(2), first, 0.0)  # of a node that is absent the bias would be left
        nodes = torch.cat([rows, self._convolved(graph, first, batch)], dim=2)
        return dict(zip(self.task.modalities, nodes.unbind(1), strict=True))

    def _encoded(self, batch: Batch) -> Tensor:
        """(N, M, width), zero where a modality is missing."""
        encoded = []
        for m, projection in self.projection.items():
            present = batch.presence(m)
            features = batch.features[m] if self.standardise is None else self.standardise(m, batch.features[m])
            rows = only(projection(only(features, present)), present)
            if m == self.leading:
                rows = only(self.context(rows, batch.layout, present) + self.speaker(batch.speakers), present)
            encoded.append(rows)
        return torch.stack(encoded, dim=1)

    def _convolved(self, graph: list[SimilarityBlock], first: Tensor, batch: Batch) -> Tensor:
        """(N, M, graph_width) first nodes to the last ones."""
        if not graph:
            return first
        maps = self.convolutions.maps()
        blocks = []
        for block, start in zip(graph, to_node_blocks(first, batch.layout), strict=True):
            nodes = self.dropout(start)
            for layer in maps:
                nodes = self.dropout(convolved(block @ nodes, start, layer))
            blocks.append(nodes)
        return from_node_blocks(blocks, batch.layout)

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of every utterance."""
        nodes = torch.cat([representation[m] for m in self.task.modalities], dim=1)
        return Output(self.classifier(torch.relu(self.dropout(nodes))), {}, representation)

    def objectives(self) -> list[Objective]:
        """Cross-entropy, or what the released code calls a focal loss."""
        return [CrossEntropy() if self.loss == "cross-entropy" else ReleasedFocalLoss(self.gamma)]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the classifier."""
        apart = {id(p) for p in self.classifier.parameters()}
        return [p for p in self.parameters() if p.requires_grad and id(p) not in apart]
