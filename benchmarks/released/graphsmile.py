"""GraphSmile's released way: a list of edges, and per pair of modalities a dense adjacency over the whole batch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.released import padded
from crossspace.batching.batch import Batch
from crossspace.models.graphsmile import GraphSmile
from crossspace.models.graphsmile.graph import SLOPE, PairGraph
from crossspace.output import Output

VECTORS = {"text": 4}


def released(model: GraphSmile, batch: Batch) -> Output:
    """Padded encoders, edges counted one by one, dense convolutions, and a tensor of all pairs of a window."""
    places, lengths = padded(batch), batch.lengths.tolist()
    rows = {}
    for m, projection in model.projection.items():
        x = places.features[m]
        if m == model.leading:
            norm, x = model.norm, x[..., : len(model.norm.weight)]
            flat = F.batch_norm(x.flatten(0, 1), None, None, norm.weight, norm.bias, True, eps=norm.eps)
            x = flat.unflatten(0, x.shape[:2])
        mapped = F.dropout(F.leaky_relu(linear(projection, x), SLOPE), model.dropout.p, model.training)
        rows[m] = torch.cat([mapped[index, :length] for index, length in enumerate(lengths)])
    edges = listed_edges(model.graphs[0], lengths)
    halves = []
    for graph, (one, other) in zip(model.graphs, combinations(rows.values(), 2), strict=True):
        halves += through(graph, edges, torch.cat([one, other])).chunk(2)
    fused = torch.stack([F.leaky_relu(linear(model.fusion, half), SLOPE) for half in halves]).mean(0)
    extras = {"sentiment": linear(model.sentiment, fused), "shift": shifts(model, fused, lengths)}
    return Output(linear(model.classifier, fused), extras=extras)


def listed_edges(graph: nn.Module, lengths: Sequence[int]) -> tuple[Tensor, Tensor]:
    """(2, E) the two ends of every edge, and (E,) the place of its weight; the same list for all pairs."""
    assert isinstance(graph, PairGraph)
    past, future = graph.edges.window
    reach, total = graph.edges.reach, sum(lengths)
    ends, weights, start = [], [], 0
    for length in lengths:
        for side in (0, 1):
            for j in range(length):
                first = 0 if past is None else max(0, j - past)
                last = length - 1 if future is None else min(length - 1, j + future)
                for k in range(first, last + 1):
                    ends.append((side * total + start + j, (1 - side) * total + start + k))
                    distance = min(max(k - j, -reach[0]), reach[1]) + reach[0]
                    by_distance = side * (sum(reach) + 1) + distance
                    weights.append(len(weights) if graph.edges.by_position else by_distance)
        start += length
    return torch.tensor(ends).T, torch.tensor(weights)


def through(graph: nn.Module, edges: tuple[Tensor, Tensor], rows: Tensor) -> Tensor:
    """What is read of the two modalities of a graph, one after the other."""
    assert isinstance(graph, PairGraph)
    (receiving, sending), places = edges
    adjacency = rows.new_zeros(len(rows), len(rows))
    adjacency[receiving, sending] = graph.edges.weight.flatten()[places]
    half = torch.diag(adjacency.sum(1) ** -0.5)
    normalised = half @ adjacency @ half
    total = rows
    for convolution, bias, reader in zip(graph.convolutions, graph.biases, graph.readers, strict=True):
        rows = normalised @ F.linear(rows, convolution.weight) + bias
        total = total + F.dropout(F.leaky_relu(linear(reader, rows), SLOPE), graph.dropout.p, graph.training)
    return total


def shifts(model: GraphSmile, rows: Tensor, lengths: Sequence[int]) -> Tensor:
    """(P, 2) from the pairs of every window side by side."""
    found = []
    for conversation in rows.split(list(lengths)):
        for part in conversation.split(model.shift_window or len(conversation)):
            count = len(part)
            first = part.unsqueeze(1).expand(-1, count, -1)
            second = part.unsqueeze(0).expand(count, -1, -1)
            found.append(linear(model.shift, torch.cat([first, second], dim=2)).flatten(0, 1))
    return torch.cat(found)


def linear(layer: nn.Module | None, rows: Tensor) -> Tensor:
    """PyTorch's own linear map; the library's layers choose another kernel for it."""
    assert isinstance(layer, nn.Linear)
    return F.linear(rows, layer.weight, layer.bias)
