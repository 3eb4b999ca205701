"""Padded encoders, and running numbers of nodes and hyperedges: what the released code of M3NET and HAUCL share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.released import padded
from crossspace.batching.batch import Batch
from crossspace.nn.node_features import NodeFeatures


def encoded(nodes: NodeFeatures, batch: Batch) -> list[Tensor]:
    """(N, d) rows of each modality, the leading one first as speakers have been added to it, from padded tensors."""
    lengths, places = batch.lengths.tolist(), padded(batch)
    rows = []
    for m in batch.features:
        steps = places.features[m].transpose(0, 1)
        if m == nodes.leading:
            rows.append(_joined(_leading(nodes, steps), lengths) + nodes.speaker(batch.speakers))
        else:
            projection = nodes.projection[m]
            rows.append(_joined(F.linear(steps, projection.weight, projection.bias), lengths))
    return rows


def _leading(nodes: NodeFeatures, steps: Tensor) -> Tensor:
    """(T, B, V d) to (T, B, d): statistics over all places of the padded batch, and a GRU over all of its steps."""
    norm, count = nodes.averaged.norm, nodes.averaged.vectors
    weights, biases = norm.weight.chunk(count), norm.bias.chunk(count)
    normalised = [
        F.batch_norm(vector.reshape(-1, vector.shape[-1]), None, None, w, b, training=True, eps=norm.eps)
        for vector, w, b in zip(steps.chunk(count, dim=2), weights, biases, strict=True)
    ]
    mean = (torch.stack(normalised).sum(0) / count).view(*steps.shape[:2], -1)
    if nodes.leading_projection is not None:
        mean = F.linear(mean, nodes.leading_projection.weight, nodes.leading_projection.bias)
    output, _ = nodes.context.cell(mean.transpose(0, 1))
    return output.transpose(0, 1)


def _joined(steps: Tensor, lengths: Sequence[int]) -> Tensor:
    """(T, B, D) to (N, D)."""
    return torch.cat([steps[:length, index] for index, length in enumerate(lengths)])


def node_order(rows: Sequence[Tensor], lengths: Sequence[int]) -> Tensor:
    """(M N, d): conversation by conversation, in each one modality after the other."""
    parts = [modality.split(list(lengths)) for modality in rows]
    return torch.cat([part[index] for index in range(len(lengths)) for part in parts])


def by_utterance(nodes: Tensor, lengths: Sequence[int], modalities: int) -> list[Tensor]:
    """Undo :func:`node_order`: (N, d) for each modality."""
    parts = nodes.split([length for length in lengths for _ in range(modalities)])
    return [torch.cat(parts[m::modalities]) for m in range(modalities)]


def incidences(lengths: Sequence[int], modalities: int) -> Tensor:
    """(2, 2 M N) node and hyperedge of every incidence, in running numbers, written down one by one."""
    nodes: list[int] = []
    edges: list[int] = []
    first, edge = 0, 0
    for length in lengths:
        of_modality = [list(range(first + m * length, first + (m + 1) * length)) for m in range(modalities)]
        for members in [*of_modality, *([line[i] for line in of_modality] for i in range(length))]:
            nodes += members
            edges += [edge] * len(members)
            edge += 1
        first += modalities * length
    return torch.tensor([nodes, edges])


def pairs(lengths: Sequence[int], modalities: int) -> Tensor:
    """(2, E) every ordered pair of nodes of one modality or of one utterance, written down one by one."""
    found: list[tuple[int, int]] = []
    first = 0
    for length in lengths:
        of_modality = [list(range(first + m * length, first + (m + 1) * length)) for m in range(modalities)]
        for line in of_modality:
            found += permutations(line, 2)
        for i in range(length):
            found += permutations([line[i] for line in of_modality], 2)
        first += modalities * length
    return torch.tensor(found).T.reshape(2, -1)


def summed_over(values: Tensor, index: Tensor, size: int) -> Tensor:
    """Rows added up by their index: (E, ...) to (size, ...)."""
    return values.new_zeros(size, *values.shape[1:]).index_add(0, index, values)


def edge_order(rows: Tensor, lengths: Sequence[int], modalities: int) -> Tensor:
    """Rows of hyperedges, those of all modalities before those of all utterances, conversation by conversation."""
    split = modalities * len(lengths)
    of_modalities, of_utterances = rows[:split].split(modalities), rows[split:].split(list(lengths))
    return torch.cat([part for pair in zip(of_modalities, of_utterances, strict=True) for part in pair])


def incidence_order(of_modalities: Tensor, of_utterances: Tensor, lengths: Sequence[int]) -> Tensor:
    """Two (N, M, ...) values of the incidences of every node, in the order of :func:`incidences`."""
    parts = []
    for one, other in zip(of_modalities.split(list(lengths)), of_utterances.split(list(lengths)), strict=True):
        parts += [one.transpose(0, 1).flatten(0, 1), other.flatten(0, 1)]
    return torch.cat(parts)
