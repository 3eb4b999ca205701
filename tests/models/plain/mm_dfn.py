"""MM-DFN without dropout, written down node by node and speaker by speaker from the description of the method."""

from __future__ import annotations

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.models.mm_dfn import MMDFN
from tests.models.plain.mmgcn import (
    Nodes,
    by_conversation,
    classified,
    convolution,
    first_nodes,
    mapped,
    normalised_edges,
    received,
)
from tests.models.plain.recurrent import both_directions, lstm_step


def encoded(model: MMDFN, linear: Nodes, speakers: list[int], weights: dict[str, float]) -> Nodes:
    nodes = dict(linear)
    spoken = [a for a in linear if a[0] == model.leading]
    nodes |= zip(spoken, both_directions([linear[a] for a in spoken], model.context.cell), strict=True)
    for m, weight in weights.items():
        for speaker in set(speakers):
            own = [a for a in linear if a[0] == m and speakers[a[1]] == speaker]
            if weight and own:
                states = both_directions([linear[a] for a in own], model.speakers.cell)
                nodes |= {a: nodes[a] + weight * u for a, u in zip(own, states, strict=True)}
    return nodes


def convolved(model: MMDFN, nodes: Nodes) -> Nodes:
    edges, first = normalised_edges(nodes), first_nodes(model, nodes)
    lstm, held = model.fusion, first
    states = {a: (torch.zeros_like(x), torch.zeros_like(x)) for a, x in first.items()}
    for k in range(1, len(model.convolutions.weight) + 1):
        for a, q in held.items():
            hidden, cell = states[a]
            read, kept = lstm.weight_ih @ q + lstm.bias_ih, lstm.weight_hh @ hidden + lstm.bias_hh
            states[a] = lstm_step(read, kept, hidden, cell)
        sent = received(edges, {a: y for a, (y, _) in states.items()})
        held = {a: convolution(model, k, sent[a], first[a], alpha=0.2) + q for a, q in held.items()}
    return held


def plain_logits(model: MMDFN, batch: Batch, weights: dict[str, float]) -> Tensor:
    """Logits with the given weights of the speakers' states."""

    def one(features: dict[str, Tensor], present: dict[str, Tensor], speakers: list[int]) -> Tensor:
        nodes = encoded(model, mapped(model, features, present), speakers, weights)
        return classified(model, nodes, convolved(model, nodes), len(speakers))

    return by_conversation(batch, one)
