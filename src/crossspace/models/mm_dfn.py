"""MM-DFN (Hu et al., ICASSP 2022): a recurrence over the layers of a graph decides what each node keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Layout
from crossspace.bounds import check_weights
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.multimodal_graph import MultimodalGraph
from crossspace.nn.encoders.gru import GRUEncoder
from crossspace.nn.gcnii import Maps, convolved
from crossspace.nn.lstm_cell import LSTMCell
from crossspace.nn.ragged import reorder
from crossspace.nn.similarity_graph import SimilarityBlock
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.focal import FocalLoss

SPEAKER_WEIGHTS = {"text": 1.0, "audio": 3.0, "visual": 0.0}
"""Of the speakers' states for IEMOCAP, by modality; the script for MELD has 1.5, 0.5 and 0.5."""


class MMDFN(MultimodalGraph):
    """The graph of MMGCN, over which an LSTM that reads layer after layer decides what each node sends.

    Every modality is mapped to a common width. One bidirectional GRU reads what each speaker said by itself, in every
    modality; another the whole conversation in the leading one. Their sum are the nodes of a graph as in MMGCN: edges
    weigh the angle between nodes of one modality, and between the modalities of one utterance. Before each convolution
    a node passes an LSTM cell whose state it keeps from layer to layer, and past both leads a shortcut.

    Args:
        task: labels, modalities and speakers.
        width: of the encoded modalities; even.
        graph_width: of the nodes inside the graph.
        layers: convolutions.
        alpha: share of the first nodes in what passes a convolution unmapped.
        theta: how much of a convolution is mapped.
        dropout: on the nodes before the graph, on those between its layers, inside the GRUs and before the classes.
        leading: the modality that is read in its context; ``text``, or the first, if none.
        speaker_weights: ``{modality: weight}`` of the speakers' states in its nodes; those of the paper's IEMOCAP if
            none (text 1, audio 3, visual 0), and 1 for a modality that is not named. One of weight 0 is not read.
        loss: ``focal``, or ``cross-entropy``.
        gamma: of the focal loss.
        standardise: scale features by mean and deviation of the training split; the released code does not.
        hold_unused: also hold, frozen, what the released code holds and never uses. Nothing changes but the number of
            parameters, which is then the released one.

    Note:
        A missing modality has no node in that utterance: it is joined to nothing, the GRUs pass over it, and it is
        zero where the classifier reads it by a linear map, which leaves it out. The released code knows none.

        Mended: both released GRUs read backwards from the padding on, so that an utterance depends on the longest
        conversation of its batch; here they begin at the last utterance, of the conversation and of the speaker. The
        factor of the focal loss has no gradient and class weights do not enter its divisor, as in the released code.
    """

    name = "mm-dfn"
    citation = (
        "Hu et al., MM-DFN: Multimodal Dynamic Fusion Network for Emotion Recognition in Conversations, ICASSP 2022, "
        "doi:10.1109/ICASSP43922.2022.9747397"
    )
    no_graph = "its recurrence over the turns of each speaker depends on who speaks how often"

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 200,
        graph_width: int = 100,
        layers: int = 16,
        alpha: float = 0.2,
        theta: float = 0.5,
        dropout: float = 0.4,
        leading: str | None = None,
        speaker_weights: Mapping[str, float] | None = None,
        loss: Literal["focal", "cross-entropy"] = "focal",
        gamma: float = 0.5,
        standardise: bool = False,
        hold_unused: bool = False,
    ) -> None:
        super().__init__(task, width, graph_width, layers, alpha, theta, dropout, leading, standardise, hold_unused)
        if loss not in ("focal", "cross-entropy"):
            raise UsageError(f"`loss` should be 'focal' or 'cross-entropy'. Found {loss!r}.")
        check_weights(gamma=gamma)
        self.loss, self.gamma = loss, gamma
        self.speaker_weights = _weights(task, SPEAKER_WEIGHTS if speaker_weights is None else speaker_weights)
        self.context = GRUEncoder(width, layers=2, dropout=dropout)
        self.speakers = GRUEncoder(width, layers=2, dropout=dropout) if self.speaker_weights else None
        self.fusion = LSTMCell(graph_width, graph_width)
        if self.unused is not None:
            self.unused.append(nn.Parameter(torch.zeros(task.speaker_slots - 1, width), requires_grad=False))

    def contextual_rows(self, rows: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """Context, of the leading modality, and the states of the speakers."""
        context = self.context(rows[self.leading], batch.layout, batch.presence(self.leading))
        contextual = {**rows, self.leading: context}
        for m, states in self._speaker_states(rows, batch).items():
            contextual[m] = contextual[m] + self.speaker_weights[m] * states
        return contextual

    def _speaker_states(self, rows: dict[str, Tensor], batch: Batch) -> dict[str, Tensor]:
        """(N, width) of every modality that has a weight: what its speaker said, as a conversation of its own."""
        if self.speakers is None:
            return {}
        names = list(self.speaker_weights)
        speakers, conversations = self.task.speaker_slots, len(batch.lengths)
        turns = batch.layout.conversations * speakers + batch.speakers
        # All modalities at once, since they share the GRU: a sequence per modality, conversation and speaker.
        turns = torch.cat([turns + index * conversations * speakers for index in range(len(names))])
        order = torch.argsort(turns, stable=True)
        back = torch.argsort(order)
        counts = torch.bincount(turns, minlength=len(names) * conversations * speakers)
        present = None
        if any(batch.presence(m) is not None for m in names):
            present = torch.cat([batch.present[m] for m in names])[order]
        said = reorder(torch.cat([rows[m] for m in names]), order, back)
        states = self.speakers(said, Layout(counts.tolist(), said.device), present)
        by_modality = reorder(states, back, order).unflatten(0, (len(names), len(batch)))
        return dict(zip(names, by_modality.unbind(), strict=True))

    def convolved(self, graph: SimilarityBlock, first: Tensor, layers: list[Maps]) -> Tensor:
        """Every layer sends what the LSTM makes of the nodes, and adds what comes of it to them."""
        nodes = self.dropout(first)
        state = None
        for maps in layers:
            state = self.fusion(nodes.flatten(0, 2), state)
            fused = state[0].view_as(nodes)
            nodes = self.dropout(convolved(graph @ fused, first, maps)) + nodes
        return nodes

    def objectives(self) -> list[Objective]:
        """Focal loss with a factor that is held constant, or cross-entropy."""
        return [CrossEntropy() if self.loss == "cross-entropy" else FocalLoss(self.gamma, detach_factor=True)]


def _weights(task: TaskSpec, chosen: Mapping[str, float]) -> dict[str, float]:
    """Weights other than zero of the modalities of the task."""
    unknown = sorted(set(chosen) - {*task.modalities, *SPEAKER_WEIGHTS})
    if unknown:
        raise UsageError(f"`speaker_weights` are for the modalities {list(task.modalities)}. Found {unknown}.")
    weights = {m: float(chosen.get(m, 1.0)) for m in task.modalities}
    return {m: weight for m, weight in weights.items() if weight != 0.0}
