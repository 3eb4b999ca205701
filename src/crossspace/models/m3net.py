"""M3NET (Chen et al., CVPR 2023): a hypergraph beside a graph whose messages carry a sign."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.bounds import check_counts, check_shares
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.models.leading import leading_modality
from crossspace.nn.dropout import Dropout
from crossspace.nn.graph import inverse_root
from crossspace.nn.hypergraph import HypergraphWeights, convolve, incidence, node_blocks, node_rows, shown_nodes
from crossspace.nn.linear import Linear
from crossspace.nn.node_features import NodeFeatures
from crossspace.nn.standardise import Standardise
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.focal import ReleasedFocalLoss
from crossspace.output import Output


class M3NET(Model):
    """Two propagations over the modalities of all utterances of a conversation, side by side.

    The leading modality is read by a GRU and knows its speaker; the others are projected. In the hypergraph branch
    every modality of the conversation and every utterance is a hyperedge, with a learnt weight; nodes exchange with
    theirs without matrices. In the graph branch a node receives from the same modality of all other utterances and from
    the other modalities of its own; each message is multiplied by a tanh of both ends, whose sign lets a layer smooth
    or sharpen. Both results of all modalities, side by side, lead to the classes. Train it with the balancer ``fixed``.

    Args:
        task: labels, modalities and speakers.
        width: d of the nodes before the graphs; even.
        graph_width: of the nodes in both branches.
        hyper_layers: of the hypergraph branch.
        graph_layers: of the graph branch.
        recurrent_layers: of the GRU.
        dropout: between the layers of the GRU and before the classes.
        leading: the modality that is read in context and knows its speaker; the text if none, or the first of a task
            without text. Where its features are several vectors, each is normalised and the mean is taken.
        project_leading: project the leading modality before the GRU (released for IEMOCAP); otherwise its vectors have
            the width of the nodes (for MELD).
        weights: ``shared`` has a weight per modality for hyperedges and nodes, and one for the hyperedges of
            utterances; ``by-position`` has one for every place in a batch, as the released code does, and takes whole
            batches, in one process, of at most 1,000 hyperedges and 5,200 nodes.
        loss: ``cross-entropy``, or ``released-focal`` as in the released code for MELD.
        standardise: scale features by mean and deviation of the training split; the released code does not.
        hold_unused: also hold, frozen, what the released code holds and never uses. Nothing changes but the number of
            parameters, which with ``weights="by-position"`` is then the released one.

    Note:
        Mended: the released weights belong to places in a batch, so that those of a conversation depend on which others
        come before it; batch normalisation and GRU there read padding as if it were said. A modality that is missing
        in an utterance has no node: it is in no hyperedge, sends and receives nothing, and the degrees by which
        messages are divided do not count it; the GRU passes over it. The extra row of the speaker table serves speakers
        beyond those told apart.
    """

    name = "m3net"
    citation = (
        "Chen et al., Multivariate, Multi-Frequency and Multimodal: Rethinking Graph Neural Networks for Emotion "
        "Recognition in Conversation, CVPR 2023, doi:10.1109/CVPR52729.2023.01036"
    )

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 512,
        graph_width: int = 512,
        hyper_layers: int = 3,
        graph_layers: int = 4,
        recurrent_layers: int = 2,
        dropout: float = 0.5,
        leading: str | None = None,
        project_leading: bool = True,
        weights: Literal["shared", "by-position"] = "shared",
        loss: Literal["cross-entropy", "released-focal"] = "cross-entropy",
        standardise: bool = False,
        hold_unused: bool = False,
    ) -> None:
        super().__init__(task)
        check_counts(0, hyper_layers=hyper_layers, graph_layers=graph_layers)
        check_counts(recurrent_layers=recurrent_layers)
        check_counts(most=None, width=width, graph_width=graph_width)
        check_shares(dropout=dropout)
        if weights not in ("shared", "by-position"):
            raise UsageError(f"`weights` should be 'shared' or 'by-position'. Found {weights!r}.")
        if loss not in ("cross-entropy", "released-focal"):
            raise UsageError(f"`loss` should be 'cross-entropy' or 'released-focal'. Found {loss!r}.")
        lead, count, classes = leading_modality(task, leading), len(task.widths), len(task.labels)
        vectors = task.vectors.get(lead, 1)
        self.loss = loss
        self.standardise = Standardise(task.widths) if standardise else None
        self.nodes = NodeFeatures(
            task.widths, lead, vectors, width, task.speaker_slots, recurrent_layers, dropout, project_leading
        )
        self.entry = Linear(width, graph_width)
        self.hyper_weights = HypergraphWeights(count, nodes=True, by_position=weights == "by-position")
        self.hyper_biases = nn.ParameterList(nn.Parameter(torch.zeros(graph_width)) for _ in range(hyper_layers))
        self.graph = nn.ModuleList(SignedMessages(graph_width) for _ in range(graph_layers))
        self.dropout = Dropout(dropout)
        self.classifier = Linear(2 * count * graph_width, classes)
        sizes = (self.nodes.averaged.width, width, graph_width, classes)
        self.unused = _unused(*sizes, vectors, hyper_layers, project_leading) if hold_unused else None

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """For every modality (N, 2 graph_width), what both branches say, zero where it is missing."""
        layout, present = batch.layout, {m: batch.presence(m) for m in self.task.modalities}
        rows = self.nodes({m: self.scaled(batch, m) for m in present}, batch.speakers, layout, present)
        if not layout.blocks:
            return {m: self.entry(x).repeat(1, 2) for m, x in rows.items()}
        blocks, shown = node_blocks(list(rows.values()), layout), shown_nodes(present, layout)
        weights, both = self.hyper_weights(layout), []
        for block, seen, of_block in zip(blocks, shown, weights, strict=True):
            entered = self.entry(block.flatten(0, 2)).view(*block.shape[:3], -1)
            if seen is not None:
                entered = torch.where(seen[..., None], entered, 0.0)
            hyper = entered
            edges = incidence(of_block, seen, entered)
            for bias in self.hyper_biases:
                hyper = convolve(hyper, edges, bias)
            both.append(torch.cat([hyper, self._graph(entered, seen)], dim=3))
        return dict(zip(present, node_rows(both, layout).unbind(1), strict=True))

    def _graph(self, nodes: Tensor, shown: Tensor | None) -> Tensor:
        """(b, M, t, d) nodes to the same after the layers of the graph branch."""
        within, across = _normalisation(nodes, shown)
        for layer in self.graph:
            nodes = nodes + layer(nodes, within, across)
        return nodes

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of every utterance."""
        rows = torch.cat([representation[m] for m in self.task.modalities], dim=1)
        return Output(self.classifier(torch.relu(self.dropout(rows))), {}, representation)

    def objectives(self) -> list[Objective]:
        """The cross-entropy, or what the released code has in its place."""
        return [CrossEntropy() if self.loss == "cross-entropy" else ReleasedFocalLoss()]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the classifier."""
        return self.parameters_but(self.classifier)

    def numbers_per_pair(self) -> float:
        """Per modality the normalisation, and for every graph layer the tanh and its product with that."""
        return len(self.task.widths) * (2.0 * len(self.graph) + 1.0)


class SignedMessages(nn.Module):
    """What a node receives: ``sum_j tanh(g . [z_i || z_j] + c) / sqrt(d_i d_j) z_j`` over its neighbours j.

    Args:
        width: d of the nodes.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gate = Linear(2 * width, 1)

    def forward(self, nodes: Tensor, within: Tensor, across: Tensor) -> Tensor:
        """(b, M, t, d) nodes to the sums of their messages; what :func:`_normalisation` gives comes after."""
        # The gate reads receiver and sender side by side: one product with each is all there is to compute.
        receiver, sender = (nodes @ self.gate.weight.view(2, -1).T).unbind(3)
        receiver = receiver + self.gate.bias
        signed = torch.tanh(receiver[..., :, None] + sender[..., None, :]) * within
        beside = torch.tanh(receiver.transpose(1, 2)[..., :, None] + sender.transpose(1, 2)[..., None, :]) * across
        return signed @ nodes + (beside @ nodes.transpose(1, 2)).transpose(1, 2)


def _normalisation(nodes: Tensor, shown: Tensor | None) -> tuple[Tensor, Tensor]:
    """The symmetric normalisation of messages: within modalities, and across those of an utterance.

    Args:
        nodes: (b, M, t, d).
        shown: (b, M, t) bool, the nodes that take part; none if all do.

    Returns:
        (b, M, t, t) and (b, t, M, M), receiver first, zero where there is no edge; axes of length 1 where all places
        are alike.
    """
    _, modalities, steps, _ = nodes.shape
    if shown is None:
        # All nodes have the same degree, and so all edges the same weight.
        weight = 1.0 / max(steps + modalities - 2, 1)
        return tuple(_off_diagonal(nodes.new_full((1, 1, n, n), weight)) for n in (steps, modalities))  # type: ignore[return-value]
    there = shown.to(nodes.dtype)
    degree = (there.sum(2, keepdim=True) + there.sum(1, keepdim=True) - 2.0) * there
    half = inverse_root(degree)
    beside = half.transpose(1, 2)
    return (
        _off_diagonal(half[..., :, None] * half[..., None, :]),
        _off_diagonal(beside[..., :, None] * beside[..., None, :]),
    )


def _off_diagonal(weights: Tensor) -> Tensor:
    """The same, with zeros where a node would send to itself; changes what it is given."""
    if torch.compiler.is_exporting():  # a graph changes nothing in place
        places = torch.arange(weights.shape[-1], device=weights.device)
        return torch.where(places[:, None] == places, 0.0, weights)
    weights.diagonal(dim1=-2, dim2=-1).zero_()
    return weights


def _unused(
    vector: int, width: int, graph_width: int, classes: int, vectors: int, hyper_layers: int, projected: bool
) -> nn.ParameterList:
    """Frozen parameters that nothing reads.

    A layer norm per vector, a second classifier, embeddings of modalities, two attributes of hyperedges; per layer of
    the hypergraph two matrices and a linear map; and the projection where it is passed by.
    """
    square = (graph_width, graph_width)
    shapes: list[tuple[int, ...]] = [(2, vector)] * vectors + [(classes, graph_width), (classes,), (3, width)]
    shapes += [(2, graph_width)] + [square, square, square, (graph_width,)] * hyper_layers
    if not projected:
        shapes += [(width, vector), (width,)]
    return nn.ParameterList(nn.Parameter(torch.zeros(shape), requires_grad=False) for shape in shapes)
