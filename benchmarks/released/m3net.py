"""M3NET as its released code computes it: lists of edges made in Python, and both ends of every edge side by side."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.running_lists import by_utterance, encoded, incidences, node_order, pairs, summed_over
from crossspace.batching.batch import Batch
from crossspace.models.m3net import M3NET
from crossspace.output import Output

VECTORS = {"text": 4}


def released(model: M3NET, batch: Batch) -> Output:
    """What ``model`` says of a batch in which nothing is missing, in training."""
    lengths, count = batch.lengths.tolist(), len(model.task.widths)
    nodes = node_order(encoded(model.nodes, batch), lengths)
    entered = F.linear(nodes, model.entry.weight, model.entry.bias)
    hyper, index = entered, incidences(lengths, count)
    edges, in_edges = _weights(model, index, lengths, count)
    for bias in model.hyper_biases:
        hyper = _hyper_layer(hyper, index, edges, in_edges, bias)
    graph, index = entered, pairs(lengths, count)
    for layer in model.graph:
        graph = graph + _graph_layer(graph, index, layer.gate.weight, layer.gate.bias)
    rows = by_utterance(torch.cat([hyper, graph], dim=1), lengths, count)
    representation = dict(zip(model.task.modalities, rows, strict=True))
    dropped = F.dropout(torch.cat(rows, dim=1), model.dropout.p, training=model.training)
    logits = F.linear(torch.relu(dropped), model.classifier.weight, model.classifier.bias)
    return Output(logits, {}, representation)


def _weights(model: M3NET, index: Tensor, lengths: list[int], count: int) -> tuple[Tensor, Tensor]:
    """The weight of every hyperedge and of the node of every incidence."""
    held, of_nodes = model.hyper_weights, model.hyper_weights.node
    assert of_nodes is not None
    if held.by_position:
        return held.edge[: int(index[1].max()) + 1], of_nodes[index[0]]
    kinds = torch.cat([torch.tensor([*range(count), *[count] * length]) for length in lengths])
    modality = torch.cat([torch.arange(count).repeat_interleave(length) for length in lengths])
    return held.edge[kinds], of_nodes[modality[index[0]]]


def _hyper_layer(nodes: Tensor, index: Tensor, edges: Tensor, in_edges: Tensor, bias: Tensor) -> Tensor:
    node, edge = index
    by_node = 1.0 / summed_over(edges[edge], node, len(nodes))
    by_edge = 1.0 / summed_over(in_edges, edge, len(edges))
    held = summed_over(by_edge[edge][:, None] * nodes[node], edge, len(edges))
    back = summed_over(by_node[node][:, None] * held[edge], node, len(nodes))
    return F.leaky_relu(back + bias)


def _graph_layer(nodes: Tensor, index: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    sender, receiver = index
    degree = summed_over(nodes.new_ones(len(sender)), sender, len(nodes))
    root = degree.pow(-0.5)
    gate = torch.tanh(F.linear(torch.cat([nodes[receiver], nodes[sender]], dim=1), weight, bias))
    messages = (root[sender] * root[receiver])[:, None] * nodes[sender] * gate
    return summed_over(messages, receiver, len(nodes))
