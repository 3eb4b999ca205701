"""GraphSmile without dropout, written down edge by edge from the description of the method."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.models.graphsmile import GraphSmile
from crossspace.models.graphsmile.graph import PairGraph

Rows = dict[int, Tensor]
"""By utterance; what is missing has no entry."""
Node = tuple[int, int]
"""Side 0 or 1 of a graph, and utterance."""


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.01 * x)


def normalised(model: GraphSmile, batch: Batch) -> Rows:
    """The leading modality's first vector, by the statistics of the present rows of the batch."""
    norm, m = model.norm, model.leading
    rows = {i: batch.features[m][i][: len(norm.weight)] for i in range(len(batch)) if batch.present[m][i]}
    if model.training:
        values = torch.stack(list(rows.values()))
        mean = values.mean(0)
        variance = ((values - mean) ** 2).mean(0)
    else:
        mean, variance = norm.running_mean, norm.running_var
    return {i: (x - mean) / torch.sqrt(variance + norm.eps) * norm.weight + norm.bias for i, x in rows.items()}


def edges(graph: PairGraph, nodes: set[Node], places: range, start: int) -> tuple[dict[tuple[Node, Node], Tensor], int]:
    """Weights from each receiving node to each that sends to it, and the number of edges that were counted."""
    past, future = graph.edges.window
    weights, number = {}, start
    for side in (0, 1):
        for j in places:
            for k in places:
                near = (past is None or k >= j - past) and (future is None or k <= j + future)
                if not near:
                    continue
                if graph.edges.by_position:
                    weight = graph.edges.weight[number]
                else:
                    reach = graph.edges.reach
                    weight = graph.edges.weight[side, min(max(k - j, -reach[0]), reach[1]) + reach[0]]
                number += 1
                if (side, j) in nodes and (1 - side, k) in nodes:
                    weights[(side, j), (1 - side, k)] = weight
    return weights, number


def through(graph: PairGraph, one: Rows, other: Rows, lengths: list[int]) -> tuple[Rows, Rows]:
    """What is read of both modalities, conversation by conversation."""
    result: tuple[Rows, Rows] = ({}, {})
    start = number = 0
    for length in lengths:
        places = range(start, start + length)
        held = {(side, i): rows[i] for side, rows in enumerate((one, other)) for i in places if i in rows}
        weights, number = edges(graph, set(held), places, number)
        degree = {a: sum(w for (b, _), w in weights.items() if b == a) for a in held}
        total = dict(held)
        for convolution, bias, reader in zip(graph.convolutions, graph.biases, graph.readers, strict=True):
            mapped = {a: convolution.weight @ x for a, x in held.items()}
            held = dict.fromkeys(held, bias)
            for (a, b), w in weights.items():
                if degree[a] > 0 and degree[b] > 0:
                    held[a] = held[a] + w / torch.sqrt(degree[a] * degree[b]) * mapped[b]
            total = {a: total[a] + leaky(reader(x)) for a, x in held.items()}
        for (side, i), x in total.items():
            result[side][i] = x
        start += length
    return result


def plain(model: GraphSmile, batch: Batch) -> tuple[Tensor, Tensor, dict[tuple[int, int], Tensor]]:
    """(N, C) logits of the emotion, (N, S) of the sentiment, and two numbers for every pair of a window."""
    lengths, rows = batch.lengths.tolist(), {}
    for m, projection in model.projection.items():
        own = {i: batch.features[m][i] for i in range(len(batch)) if batch.present[m][i]}
        own = normalised(model, batch) if m == model.leading else own
        rows[m] = {i: leaky(projection(x)) for i, x in own.items()}
    halves = []
    for graph, (one, other) in zip(model.graphs, combinations(rows, 2), strict=True):
        halves += through(graph, rows[one], rows[other], lengths)
    fused = []
    for i in range(len(batch)):
        mapped = [leaky(model.fusion(half[i])) for half in halves if i in half]
        fused.append(
            sum(mapped) / len(mapped) if mapped else torch.zeros(model.fusion.out_features, dtype=torch.float64)
        )
    shifts, start = {}, 0
    for length in lengths:
        size = model.shift_window or length
        for first in range(0, length, size):
            window = range(start + first, start + min(first + size, length))
            shifts |= {(i, j): model.shift(torch.cat([fused[i], fused[j]])) for i in window for j in window}
        start += length
    f = torch.stack(fused)
    return model.classifier(f), model.sentiment(f), shifts
