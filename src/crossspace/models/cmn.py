"""CMN (Hazarika et al., NAACL 2018): memories of what the speaker and what the others said before."""

from __future__ import annotations

import torch
from torch import Tensor

from crossspace.data.task import TaskSpec
from crossspace.models.memory_network import MemoryNetwork, Past, scores_of
from crossspace.nn.missing import only
from crossspace.nn.window_gru import ResetBeforeGRU


class CMN(MemoryNetwork):
    """Two memories of the past of every utterance, its own speaker's and the others', which it reads in hops.

    The features of all modalities are concatenated. A GRU per party reads what it said within the window, one turn
    after the other; a second GRU per party walks over all slots of the window and writes the memory. A hop scores both
    memories by the products with the query, adds what attention finds in them to the query, and takes tanh.

    Args:
        task: labels, modalities and speakers.
        width: d of the query and of all states.
        window: K, how many earlier utterances a query looks back on.
        hops: how often it reads the memories.
        dropout: on the states of the parties' GRUs and on the weights of attention.
        penalty: weight of the penalty on the weights.
        standardise: scale features by mean and deviation of the training split; the released code does not.

    Note:
        As released: attention is over all filled slots for either memory, and finds zero in those of the other party,
        so that its weights on a party's own slots sum to less than one; the first hop scores what the second GRU wrote
        into the other party's slots too, later hops do not. That GRU walks through empty slots with its biases, so
        that predictions depend on ``window`` even where the past is shorter. A query without a past keeps its own
        features, through as many tanh as there are hops.

        More than two parties, which the paper does not treat: the others are all but the speaker. Features are only
        ever read by linear maps, whose sum a zero leaves out: this is how a missing modality is left out (with
        ``standardise`` after the scaling). An utterance of which nothing is there is still a turn of its speaker. The
        released code takes steps over 512 single utterances and pads the last; here a step takes whole conversations,
        and every utterance in it counts the same.
    """

    name = "cmn"
    citation = (
        "Hazarika et al., Conversational Memory Network for Emotion Recognition in Dyadic Dialogue Videos, NAACL 2018, "
        "doi:10.18653/v1/N18-1193"
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
        self.own_memory, self.others_memory = ResetBeforeGRU(width, width), ResetBeforeGRU(width, width)

    def _recall(self, query: Tensor, past: Past) -> Tensor:
        windows, heard = past.windows, torch.tanh(past.heard)
        filled = windows.by_query(torch.ones_like(past.own).unsqueeze(1)).squeeze(2)
        memories = []
        for party, cell in ((past.own, self.own_memory), (~past.own, self.others_memory)):
            written = cell.walk(cell.read(windows.beside_nothing(only(heard, party))), windows.sizes)
            memories.append((windows.by_query(written), windows.by_query(party.unsqueeze(1)).squeeze(2)))
        for hop in range(self.hops):
            recalled = [self._read(query, memory, party, filled, hop) for memory, party in memories]
            query = torch.tanh(query + recalled[0] + recalled[1])
        return query

    def _read(self, query: Tensor, memory: Tensor, party: Tensor, filled: Tensor, hop: int) -> Tensor:
        """(N, d): what attention finds in the slots of one party, of (N, f, d) that its GRU wrote."""
        scores = scores_of(query, memory)
        weights = self._attention(scores if hop == 0 else _only_slots(scores, party), filled)
        return (_only_slots(weights, party).unsqueeze(1) @ memory).squeeze(1)


def _only_slots(values: Tensor, party: Tensor) -> Tensor:
    """(N, f) values, zero where a slot is not the party's."""
    return torch.where(party, values, 0.0)
