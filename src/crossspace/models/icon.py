"""ICON (Hazarika et al., EMNLP 2018): one memory of what all said before, rewritten between the readings."""

from __future__ import annotations

import torch
from torch import Tensor

from crossspace.data.task import TaskSpec
from crossspace.models.memory_network import MemoryNetwork, Past, scores_of
from crossspace.nn.window_gru import ResetBeforeGRU


class ICON(MemoryNetwork):
    """One memory of the past of every utterance, from GRUs of the parties and one over all, which it reads in hops.

    The features of all modalities are concatenated. A GRU per party reads what it said within the window (self
    influence); a GRU over all slots reads the states of both (global influence) and writes the memory. A hop adds what
    attention finds in the memory to the query and takes tanh; before every further hop another GRU rewrites the memory.

    Args:
        task: labels, modalities and speakers.
        width: d of the query and of all states.
        window: K, how many earlier utterances a query looks back on.
        hops: how often it reads the memory.
        dropout: on the states of the parties' GRUs and on the weights of attention.
        penalty: weight of the penalty on the weights.
        standardise: scale features by mean and deviation of the training split; the released code does not.

    Note:
        As released, and as in CMN, the GRUs over all slots walk through empty ones with their biases, so that
        predictions depend on ``window`` even where the past is shorter; a query without a past keeps its own features,
        through as many tanh as there are hops. The paper's features of text and voice come from a model of their own
        that reads the whole conversation; here every utterance has its own.

        More than two parties, which the paper does not treat: the others are all but the speaker. Features are only
        ever read by linear maps, whose sum a zero leaves out: this is how a missing modality is left out (with
        ``standardise`` after the scaling). An utterance of which nothing is there is still a turn of its speaker. The
        released code takes steps over 512 single utterances and pads the last; here a step takes whole conversations,
        and every utterance in it counts the same.
    """

    name = "icon"
    citation = (
        "Hazarika et al., ICON: Interactive Conversational Memory Network for Multimodal Emotion Detection, EMNLP "
        "2018, doi:10.18653/v1/D18-1280"
    )

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 100,
        window: int = 40,
        hops: int = 3,
        dropout: float = 0.7,
        penalty: float = 0.001,
        standardise: bool = False,
    ) -> None:
        super().__init__(task, width, window, hops, dropout, penalty, standardise)
        self.everyone = ResetBeforeGRU(width, width)
        self.memory = ResetBeforeGRU(width, width) if hops > 1 else None

    def _recall(self, query: Tensor, past: Past) -> Tensor:
        windows, slots = past.windows, torch.tanh(past.heard)
        filled = windows.by_query(torch.ones_like(past.own).unsqueeze(1)).squeeze(2)
        for hop in range(self.hops):
            cell = self.everyone if hop == 0 or self.memory is None else self.memory
            slots = cell.walk(cell.read(windows.beside_nothing(slots)), windows.sizes)
            memory = windows.by_query(slots)
            weights = self._attention(scores_of(query, memory), filled)
            query = torch.tanh(query + (weights.unsqueeze(1) @ memory).squeeze(1))
        return query
