"""HAUCL's released way: lists of incidences made in Python, a gather for each of their ends, dense contrasts.

What is computed is the model with ``release="sound"``; how, is the release. Its generator is called twice from scratch,
keeps as many rows of hyperedges as there are nodes, and maps them all; its contrast holds four matrices over all nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.running_lists import (
    by_utterance,
    edge_order,
    encoded,
    incidence_order,
    incidences,
    node_order,
    summed_over,
)
from crossspace.batching.batch import Batch
from crossspace.models.haucl import HAUCL
from crossspace.models.haucl.generator import CALLS, Generator, Latents, Pooling
from crossspace.models.haucl.structure import Structure
from crossspace.objectives.base import Objective, Part
from crossspace.output import Output

VECTORS = {"text": 4}


class Stated(Objective):
    """The losses that :func:`released` computes itself."""

    name = "stated"

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """As they stand in the extras."""
        return {k: Part(x, torch.ones_like(x)) for k, x in output.extras.items()}


def objectives(model: HAUCL) -> list[Objective]:
    """The classification, and what the released code computes beside it."""
    return [model.objectives()[0], Stated()]


@dataclass
class _Drawn:
    """Random numbers and absent pairs in running numbers, by call."""

    nodes: Tensor
    edges: Tensor
    kept: Tensor
    absent: list[Tensor]


def released(model: HAUCL, batch: Batch) -> Output:
    """What ``model`` says of a batch in which nothing is missing, in training."""
    lengths, count = batch.lengths.tolist(), len(model.task.widths)
    nodes = node_order(encoded(model.nodes, batch), lengths)
    entered = F.linear(nodes, model.entry.weight, model.entry.bias)
    index = incidences(lengths, count)
    drawn, losses, views = _draw(model, batch, lengths, entered), [], []
    for call in range(CALLS):
        kept, parts = _generated(model.generator, entered, index, drawn, call)
        views.append(_convolved(model, entered, index, kept, lengths))
        losses.append(parts)
    rows = by_utterance(torch.cat([nodes, views[0] + views[1]], dim=1), lengths, count)
    hidden = torch.relu(F.dropout(torch.cat(rows, dim=1), model.dropout.p, training=model.training))
    logits = F.linear(_linear(model.hidden, hidden), model.classifier.weight, model.classifier.bias)
    extras = {f"generation.{k}": model.generative * sum(p[k] for p in losses) / CALLS for k in losses[0]}
    assert model.projection is not None
    extras["view-contrast"] = model.contrastive * _contrast(*map(model.projection, views), model.temperature)
    return Output(logits, extras=extras)


def _draw(model: HAUCL, batch: Batch, lengths: Sequence[int], like: Tensor) -> _Drawn:
    """The numbers that the model would draw, in the same order."""
    count, rows, noise = len(model.task.widths), len(batch), model.generator.noise
    structure = Structure(batch.layout, torch.ones(rows, count, dtype=torch.bool))
    total = rows + count * len(lengths)
    nodes = noise.normal(like.new_empty(rows, count, CALLS, like.shape[1]))
    edges = noise.normal(like.new_empty(total, CALLS, like.shape[1]))
    chosen, possible = structure.outside(noise.uniform(like.new_empty(rows, count, 2 * CALLS)))
    kept = [noise.logistic(like.new_empty(rows, count, CALLS)) for _ in range(2)]
    of_edges = torch.argsort(edge_order(torch.arange(total), lengths, count))
    flat = torch.arange(rows * count).view(rows, count)
    of_nodes = torch.argsort(node_order(list(flat.unbind(1)), lengths)).view(rows, count, 1).expand_as(chosen)
    absent = torch.stack([of_nodes, of_edges[chosen]])[:, possible]
    pairs = [absent[:, :, call::CALLS].flatten(1) for call in range(CALLS)]
    phantoms = edges.new_zeros(len(like) - total, *edges.shape[1:])
    return _Drawn(
        node_order(list(nodes.unbind(1)), lengths),
        torch.cat([edge_order(edges, lengths, count), phantoms]),
        incidence_order(*kept, lengths),
        pairs,
    )


def _generated(
    generator: Generator, nodes: Tensor, index: Tensor, drawn: _Drawn, call: int
) -> tuple[Tensor, dict[str, Tensor]]:
    node, edge = index
    edges = torch.relu(_pooled(generator.to_edges, nodes, node, edge, len(nodes)))
    dropped = F.dropout(edges, generator.dropout.p, training=generator.training)
    received = torch.relu(_pooled(generator.to_nodes, dropped, edge, node, len(nodes)))
    node_latents, of_nodes = _latents(generator.node_latents, received, drawn.nodes[:, call])
    edge_latents, of_edges = _latents(generator.edge_latents, edges, drawn.edges[:, call])
    logits = _decoded(generator, node_latents[node], edge_latents[edge])
    first, second = drawn.absent[call]
    others = _decoded(generator, node_latents[first], edge_latents[second])
    losses = {
        "existing": F.cross_entropy(logits, torch.ones(len(logits), dtype=torch.long)),
        "absent": F.cross_entropy(others, torch.zeros(len(others), dtype=torch.long)),
        "nodes": of_nodes.mean(),
        "hyperedges": of_edges[: int(edge.max()) + 1].mean(),
    }
    noisy = torch.stack([logits[:, 0], logits[:, 1] + drawn.kept[:, call]], dim=1)
    soft = torch.softmax(noisy / generator.relaxation, dim=1)
    hard = F.one_hot(soft.argmax(1), 2).to(soft.dtype)
    return (hard - soft.detach() + soft)[:, 1], losses


def _pooled(pooling: Pooling, rows: Tensor, source: Tensor, target: Tensor, size: int) -> Tensor:
    seed = pooling.seed.flatten()
    keys, values = _linear(pooling.key, rows), _linear(pooling.value, rows)
    scores = F.leaky_relu((keys * seed).sum(1), 0.2)[source]
    top = scores.detach().new_zeros(size).scatter_reduce(0, target, scores.detach(), "amax", include_self=False)
    weights = torch.exp(scores - top[target])
    weights = weights / summed_over(weights, target, size)[target]
    pooled = pooling.first_norm(summed_over(weights[:, None] * values[source], target, size) + seed)
    return pooling.second_norm(pooled + torch.relu(_linear(pooling.inner, pooled)))


def _latents(latents: Latents, rows: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Latents and their divergences."""
    mean = _linear(latents.mean[2], torch.relu(_linear(latents.mean[0], rows)))
    deviation = F.softplus(_linear(latents.deviation[2], torch.relu(_linear(latents.deviation[0], rows))))
    divergence = -0.5 * (1 + 2 * torch.log(deviation) - mean**2 - deviation**2).sum(1)
    return noise * deviation + mean, divergence


def _decoded(generator: Generator, nodes: Tensor, edges: Tensor) -> Tensor:
    return _linear(generator.belongs, torch.relu(_linear(generator.pair, nodes * edges)))


def _convolved(model: HAUCL, nodes: Tensor, index: Tensor, kept: Tensor, lengths: Sequence[int]) -> Tensor:
    node, edge = index
    count, held = len(model.task.widths), model.convolution.weights.edge
    weights = held[torch.cat([torch.tensor([*range(count), *[count] * length]) for length in lengths])]
    by_node = 1.0 / summed_over(weights[edge], node, len(nodes))
    by_edge = 1.0 / summed_over(kept, edge, len(weights)).detach()
    by_edge = torch.where(by_edge == torch.inf, 1.0, by_edge)
    edges = summed_over(by_edge[edge][:, None] * nodes[node] * kept[:, None], edge, len(weights))
    back = summed_over(by_node[node][:, None] * edges[edge], node, len(nodes))
    return F.leaky_relu(back + model.convolution.bias)


def _contrast(one: Tensor, other: Tensor, temperature: float) -> Tensor:
    one, other = F.normalize(one), F.normalize(other)
    terms = []
    for anchor, view in ((one, other), (other, one)):
        same, across = torch.exp(anchor @ anchor.T / temperature), torch.exp(anchor @ view.T / temperature)
        terms.append(-torch.log(across.diag() / (same.sum(1) + across.sum(1) - same.diag())))
    return ((terms[0] + terms[1]) / 2).mean()


def _linear(layer: nn.Module, rows: Tensor) -> Tensor:
    return F.linear(rows, layer.weight, layer.bias)  # type: ignore[arg-type]
