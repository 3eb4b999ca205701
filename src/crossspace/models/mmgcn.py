"""MMGCN (Hu et al., ACL 2021): deep convolutions over one graph of all modalities of a conversation."""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.bounds import check_weights
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.multimodal_graph import MultimodalGraph
from crossspace.nn.encoders.lstm import LSTMEncoder
from crossspace.nn.gcnii import Maps, convolved
from crossspace.nn.similarity_graph import SimilarityBlock
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.focal import ReleasedFocalLoss


class MMGCN(MultimodalGraph):
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
        super().__init__(task, width, graph_width, layers, alpha, theta, dropout, leading, standardise, hold_unused)
        if loss not in ("cross-entropy", "released-focal"):
            raise UsageError(f"`loss` should be 'cross-entropy' or 'released-focal'. Found {loss!r}.")
        check_weights(gamma=gamma)
        self.loss, self.gamma = loss, gamma
        self.context = LSTMEncoder(width, layers=2, dropout=dropout)
        self.speaker = nn.Embedding(task.speaker_slots, width)

    def contextual_rows(self, rows: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """The leading modality in its context, with its speaker; the others as they are."""
        context = self.context(rows[self.leading], batch.layout, batch.presence(self.leading))
        return {**rows, self.leading: context + self.speaker(batch.speakers)}

    def convolved(self, graph: SimilarityBlock, first: Tensor, layers: list[Maps]) -> Tensor:
        """Every layer reads the nodes after dropout; so does the classifier."""
        nodes = self.dropout(first)
        for maps in layers:
            nodes = self.dropout(convolved(graph @ nodes, first, maps))
        return nodes

    def objectives(self) -> list[Objective]:
        """Cross-entropy, or what the released code calls a focal loss."""
        return [CrossEntropy() if self.loss == "cross-entropy" else ReleasedFocalLoss(self.gamma)]
