"""Sections 1 and 2.1 to 2.3 of M3NET and HAUCL written down utterance by utterance."""

from __future__ import annotations

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.nn.node_features import NodeFeatures

Nodes = list[dict[tuple[int, str], Tensor]]
"""By conversation, the vector of every modality of every utterance that is there."""


def conversations(batch: Batch) -> list[range]:
    """The rows of every conversation."""
    ends = batch.lengths.cumsum(0).tolist()
    return [range(end - n, end) for n, end in zip(batch.lengths.tolist(), ends, strict=True)]


def node_features(nodes: NodeFeatures, batch: Batch) -> Nodes:
    """The nodes that are there; statistics are those of the batch in training."""
    lead = nodes.leading
    averaged = _averaged(nodes, batch)
    found: Nodes = []
    for rows in conversations(batch):
        spoken = [r for r in rows if batch.present[lead][r]]
        inputs = [
            averaged[r] if nodes.leading_projection is None else nodes.leading_projection(averaged[r]) for r in spoken
        ]
        states = dict(zip(spoken, _read(nodes.context.cell, inputs), strict=True))
        here = {}
        for i, r in enumerate(rows):
            for m, features in batch.features.items():
                if not batch.present[m][r]:
                    continue
                if m == lead:
                    here[i, m] = states[r] + nodes.speaker.weight[batch.speakers[r]]
                else:
                    here[i, m] = nodes.projection[m].weight @ features[r] + nodes.projection[m].bias
        found.append(here)
    return found


def _averaged(nodes: NodeFeatures, batch: Batch) -> dict[int, Tensor]:
    norm, count = nodes.averaged.norm, nodes.averaged.vectors
    there = [r for r in range(len(batch)) if batch.present[nodes.leading][r]]
    if not there:
        return {}
    rows = batch.features[nodes.leading][there]
    mean, variance = norm.running_mean, norm.running_var
    if nodes.training:
        mean = sum(rows) / len(rows)
        variance = sum((row - mean) ** 2 for row in rows) / len(rows)
    scaled = [(row - mean) / torch.sqrt(variance + 1e-5) * norm.weight + norm.bias for row in rows]
    return {r: sum(row.chunk(count)) / count for r, row in zip(there, scaled, strict=True)}


def _read(cell: torch.nn.GRU, inputs: list[Tensor]) -> list[Tensor]:
    for layer in range(cell.num_layers):
        ways = []
        for suffix, order in (("", inputs), ("_reverse", inputs[::-1])):
            state, states = inputs[0].new_zeros(cell.hidden_size) if inputs else None, []
            for x in order:
                state = _step(cell, f"l{layer}{suffix}", x, state)
                states.append(state)
            ways.append(states if not suffix else states[::-1])
        inputs = [torch.cat(pair) for pair in zip(*ways, strict=True)]
    return inputs


def _step(cell: torch.nn.GRU, name: str, x: Tensor, state: Tensor) -> Tensor:
    weights = dict(cell.named_parameters())
    read = weights[f"weight_ih_{name}"] @ x + weights[f"bias_ih_{name}"]
    kept = weights[f"weight_hh_{name}"] @ state + weights[f"bias_hh_{name}"]
    (r1, z1, n1), (r2, z2, n2) = read.chunk(3), kept.chunk(3)
    reset, update = torch.sigmoid(r1 + r2), torch.sigmoid(z1 + z2)
    return (1 - update) * torch.tanh(n1 + reset * n2) + update * state
