"""MMGCN's released way: one dense adjacency over the whole batch, normalised by products with diagonal matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.released import padded
from crossspace.batching.batch import Batch
from crossspace.models.mmgcn import MMGCN
from crossspace.nn.gcnii import InitialResidual
from crossspace.output import Output


def released(model: MMGCN, batch: Batch) -> Output:
    """Padded encoders, all rows one after the other, a graph of (M L)^2 entries, dense convolutions."""
    places = padded(batch)
    encoded = {m: linear(model.projection[m], x) for m, x in places.features.items()}
    encoded[model.leading] = model.context.cell(encoded[model.leading])[0]
    lengths = batch.lengths.tolist()
    rows = {m: flattened(x, lengths) for m, x in encoded.items()}
    rows[model.leading] = rows[model.leading] + model.speaker(flattened(places.speakers, lengths))
    adjacency = dense_adjacency(list(rows.values()), lengths)
    nodes = drop(model, torch.cat(list(rows.values())))
    first = torch.relu(linear(model.input, nodes))
    hidden = first
    for k in range(len(model.convolutions.weight)):
        hidden = convolution(model.convolutions, k, adjacency @ drop(model, hidden), first)
    both = torch.cat([nodes, drop(model, hidden)], dim=1)
    joined = drop(model, torch.cat(both.chunk(len(rows)), dim=1))
    return Output(linear(model.classifier, torch.relu(joined)))


def dense_adjacency(rows: Sequence[Tensor], lengths: Sequence[int]) -> Tensor:
    """(M L, M L) normalised similarities of the nodes, one modality after the other."""
    count, total = len(rows), sum(lengths)
    adjacency = rows[0].new_zeros(count * total, count * total)
    for m, of_modality in enumerate(rows):
        start = m * total
        for part in of_modality.split(list(lengths)):
            end = start + len(part)
            adjacency[start:end, start:end] = similarity(part)
            start = end
    each = torch.arange(total)
    for m in range(count):
        for n in range(count):
            if m != n:
                cosine = (rows[m] * rows[n]).sum(1) / (rows[m].norm(dim=1) * rows[n].norm(dim=1))
                adjacency[m * total + each, n * total + each] = angle(cosine)
    half = torch.diag(adjacency.sum(1) ** -0.5)
    return half @ adjacency @ half


def similarity(rows: Tensor) -> Tensor:
    """(n, n) of the (n, d) rows of a conversation, by way of the (d, n, n) products of their entries."""
    columns = rows.T
    products = (columns.unsqueeze(1) * columns.unsqueeze(2)).sum(0)
    norms = rows.norm(dim=1)
    return angle(products / (norms.unsqueeze(0) * norms.unsqueeze(1)))


def angle(cosine: Tensor) -> Tensor:
    """The similarity of a cosine."""
    return 1 - torch.acos(cosine * 0.99999) / math.pi


def convolution(layers: InitialResidual, index: int, received: Tensor, first: Tensor) -> Tensor:
    """One layer of the released stack."""
    mapped = math.log(layers.theta / (index + 1) + 1)
    support = torch.cat([received, first], dim=1)
    unmapped = (1 - layers.alpha) * received + layers.alpha * first
    return torch.relu(mapped * (support @ layers.weight[index]) + (1 - mapped) * unmapped)


def flattened(places: Tensor, lengths: Sequence[int]) -> Tensor:
    """(B, T, ...) to (L, ...), conversation after conversation."""
    return torch.cat([places[index, :length] for index, length in enumerate(lengths)])


def linear(layer: nn.Linear, rows: Tensor) -> Tensor:
    """PyTorch's own linear map; the library's layers choose another kernel for it."""
    return F.linear(rows, layer.weight, layer.bias)


def drop(model: MMGCN, rows: Tensor) -> Tensor:
    """PyTorch's own dropout."""
    return F.dropout(rows, model.dropout.p, model.training)
