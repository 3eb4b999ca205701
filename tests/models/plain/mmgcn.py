"""MMGCN without dropout, written down edge by edge and layer by layer from the description of the method."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.models.mmgcn import MMGCN
from crossspace.models.multimodal_graph import MultimodalGraph
from tests.models.plain.recurrent import both_directions

Node = tuple[str, int]
Nodes = dict[Node, Tensor]


def similarity(one: Tensor, other: Tensor) -> Tensor:
    cosine = torch.dot(one, other) / (one.norm() * other.norm())
    return 1 - torch.arccos(0.99999 * cosine) / math.pi


def normalised_edges(nodes: Nodes) -> dict[tuple[Node, Node], Tensor]:
    """Weights of the edges of one conversation, from each node to each that it is joined to."""
    joined = [(a, b) for a in nodes for b in nodes if a[0] == b[0] or a[1] == b[1]]
    weights = {(a, b): similarity(nodes[a], nodes[b]) for a, b in joined}
    degree = {a: torch.stack([w for (c, _), w in weights.items() if c == a]).sum() for a in nodes}
    return {(a, b): w / torch.sqrt(degree[a] * degree[b]) for (a, b), w in weights.items()}


def received(edges: dict[tuple[Node, Node], Tensor], held: Nodes) -> Nodes:
    return {a: torch.stack([w * held[b] for (c, b), w in edges.items() if c == a]).sum(0) for a in held}


def convolution(model: MultimodalGraph, k: int, q: Tensor, first: Tensor, alpha: float) -> Tensor:
    """Layer k = 1, 2, ... of one node."""
    theta = math.log(0.5 / k + 1)
    mapped = torch.cat([q, first]) @ model.convolutions.weight[k - 1]
    return torch.relu(theta * mapped + (1 - theta) * ((1 - alpha) * q + alpha * first))


def first_nodes(model: MultimodalGraph, nodes: Nodes) -> Nodes:
    return {a: torch.relu(model.input.weight @ x + model.input.bias) for a, x in nodes.items()}


def convolved(model: MMGCN, nodes: Nodes) -> Nodes:
    edges, first = normalised_edges(nodes), first_nodes(model, nodes)
    held = first
    for k in range(1, len(model.convolutions.weight) + 1):
        held = {a: convolution(model, k, q, first[a], alpha=0.1) for a, q in received(edges, held).items()}
    return held


def mapped(model: MultimodalGraph, features: dict[str, Tensor], present: dict[str, Tensor]) -> Nodes:
    return {
        (m, i): model.projection[m].weight @ x + model.projection[m].bias
        for m, rows in features.items()
        for i, x in enumerate(rows)
        if present[m][i]
    }


def encoded(model: MMGCN, features: dict[str, Tensor], present: dict[str, Tensor], speakers: list[int]) -> Nodes:
    nodes = mapped(model, features, present)
    spoken = [a for a in nodes if a[0] == model.leading]
    context = both_directions([nodes[a] for a in spoken], model.context.cell)
    return nodes | {a: x + model.speaker.weight[speakers[a[1]]] for a, x in zip(spoken, context, strict=True)}


def classified(model: MultimodalGraph, nodes: Nodes, held: Nodes, count: int) -> Tensor:
    """(count, C) logits; zeros stand for what is missing."""
    width = model.input.in_features + model.input.out_features
    nothing = torch.zeros(width, dtype=model.input.weight.dtype)
    logits = []
    for i in range(count):
        joined = [torch.cat([nodes[m, i], held[m, i]]) if (m, i) in nodes else nothing for m in model.task.modalities]
        logits.append(model.classifier.weight @ torch.relu(torch.cat(joined)) + model.classifier.bias)
    return torch.stack(logits)


def plain_logits(model: MMGCN, batch: Batch) -> Tensor:
    return by_conversation(batch, lambda *one: one_conversation(model, *one))


def one_conversation(
    model: MMGCN, features: dict[str, Tensor], present: dict[str, Tensor], speakers: list[int]
) -> Tensor:
    nodes = encoded(model, features, present, speakers)
    return classified(model, nodes, convolved(model, nodes), len(speakers))


def by_conversation(batch: Batch, evaluate: Callable[..., Tensor]) -> Tensor:
    parts = []
    for rows in torch.arange(len(batch)).split(batch.lengths.tolist()):
        features = {m: x[rows] for m, x in batch.features.items()}
        present = {m: p[rows] for m, p in batch.present.items()}
        parts.append(evaluate(features, present, batch.speakers[rows].tolist()))
    return torch.cat(parts)
