"""M3NET written down node by node, hyperedge by hyperedge and edge by edge."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.models.m3net import M3NET
from tests.models.plain.node_features import conversations, node_features

Node = tuple[int, str]


def plain_logits(model: M3NET, batch: Batch) -> Tensor:
    """(N, C), without dropout."""
    names, logits = list(model.task.modalities), []
    edges_before = nodes_before = 0
    for rows, nodes in zip(conversations(batch), node_features(model.nodes, batch), strict=True):
        entered = {n: model.entry.weight @ x + model.entry.bias for n, x in nodes.items()}
        hyper = _hyper_branch(model, entered, len(rows), edges_before, nodes_before)
        graph = _graph_branch(model, entered)
        nothing = model.entry.bias.new_zeros(2 * len(model.entry.bias))
        for i in range(len(rows)):
            parts = [torch.cat([hyper[i, m], graph[i, m]]) if (i, m) in hyper else nothing for m in names]
            logits.append(model.classifier.weight @ torch.cat(parts).clamp(min=0) + model.classifier.bias)
        edges_before += len(rows) + len(names)
        nodes_before += len(rows) * len(names)
    return torch.stack(logits)


def _hyper_branch(
    model: M3NET, nodes: Mapping[Node, Tensor], length: int, edges_before: int, nodes_before: int
) -> dict[Node, Tensor]:
    names, held = list(model.task.modalities), model.hyper_weights
    members: list[list[Node]] = [[n for n in nodes if n[1] == m] for m in names]
    members += [[n for n in nodes if n[0] == i] for i in range(length)]
    weight, gamma = [], {}
    for index in range(len(members)):
        weight.append(held.edge[edges_before + index if held.by_position else min(index, len(names))])
    for i, m in nodes:
        place = names.index(m)
        gamma[i, m] = held.node[nodes_before + place * length + i if held.by_position else place]
    state = dict(nodes)
    for bias in model.hyper_biases:
        edges = [sum(state[n] for n in edge) / sum(gamma[n] for n in edge) if edge else None for edge in members]
        following = {}
        for n in state:
            mine = [index for index, edge in enumerate(members) if n in edge]
            value = sum(edges[index] for index in mine) / sum(weight[index] for index in mine) + bias
            following[n] = torch.where(value > 0, value, 0.01 * value)
        state = following
    return state


def _graph_branch(model: M3NET, nodes: Mapping[Node, Tensor]) -> dict[Node, Tensor]:
    state = dict(nodes)
    beside = {n: [o for o in nodes if o != n and (o[0] == n[0] or o[1] == n[1])] for n in nodes}
    for gate in [layer.gate for layer in model.graph]:
        following = {}
        for n, z in state.items():
            total = z
            for o in beside[n]:
                signed = torch.tanh(gate.weight[0] @ torch.cat([z, state[o]]) + gate.bias[0])
                total = total + signed * state[o] / math.sqrt(len(beside[n]) * len(beside[o]))
            following[n] = total
        state = following
    return state
