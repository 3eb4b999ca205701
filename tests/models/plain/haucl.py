"""HAUCL written down incidence by incidence, with random numbers that were drawn before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.models.haucl import HAUCL
from crossspace.models.haucl.generator import Pooling
from crossspace.models.haucl.noise import Noise
from tests.models.plain.node_features import conversations, node_features

Node = tuple[int, str]
"""Row of the batch and modality."""
Edge = tuple[str, int]
"""A modality and its conversation, or ``""`` and a row of the batch."""


class Recorded(Noise):
    """Draws as the model does, and keeps what was drawn, in the order of drawing."""

    def __init__(self) -> None:
        self.drawn: dict[str, list[Tensor]] = {"normal": [], "logistic": [], "uniform": []}

    def normal(self, like: Tensor) -> Tensor:
        self.drawn["normal"].append(super().normal(like))
        return self.drawn["normal"][-1]

    def logistic(self, like: Tensor) -> Tensor:
        self.drawn["logistic"].append(super().logistic(like))
        return self.drawn["logistic"][-1]

    def uniform(self, like: Tensor) -> Tensor:
        self.drawn["uniform"].append(super().uniform(like))
        return self.drawn["uniform"][-1]


@dataclass
class Plain:
    """Logits and the means of all losses by name.

    ``drawn`` holds the random numbers of the model: normal ones of nodes (N, M, calls, d) and hyperedges (E, calls, d),
    logistic ones of incidences with modalities and with utterances (N, M, calls), uniform ones (N, M, 2 calls).
    """

    model: HAUCL
    batch: Batch
    drawn: Mapping[str, list[Tensor]] | None
    losses: dict[str, Tensor] = field(default_factory=dict)
    absent_losses: list[Tensor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = list(self.model.task.modalities)
        self.x: dict[Node, Tensor] = {}
        self.owner = {r: c for c, rows in enumerate(conversations(self.batch)) for r in rows}
        for rows, nodes in zip(conversations(self.batch), node_features(self.model.nodes, self.batch), strict=True):
            self.x |= {(rows[i], m): value for (i, m), value in nodes.items()}
        edges: list[Edge] = [(m, c) for c in range(len(self.batch.lengths)) for m in self.names]
        self.numbers = {e: i for i, e in enumerate([*edges, *(("", r) for r in range(len(self.batch)))])}
        members = {e: [n for n in self.x if self.holds(e, n)] for e in self.numbers}
        self.members = {e: nodes for e, nodes in members.items() if nodes}
        self.f = {n: linear(self.model.entry, x) for n, x in self.x.items()}
        self.evaluate()

    def holds(self, edge: Edge, node: Node) -> bool:
        return edge == ("", node[0]) or edge == (node[1], self.owner[node[0]])

    def own(self, node: Node) -> list[Edge]:
        return [(node[1], self.owner[node[0]]), ("", node[0])]

    def evaluate(self) -> None:
        model, generator = self.model, self.model.generator
        he = {e: pooled(generator.to_edges, [self.f[n] for n in nodes]) for e, nodes in self.members.items()}
        nd = {n: pooled(generator.to_nodes, [he[e] for e in self.own(n)]) for n in self.x}
        views = [self.reconstruction(call, he, nd) for call in range(2)]
        if self.absent_losses:  # one mean over both calls, as they may have drawn different numbers of pairs
            mean = sum(self.absent_losses) / len(self.absent_losses)
            self.losses["generation.absent"] = mean * model.generative
        logits = []
        for r in range(len(self.batch)):
            parts = []
            for m in self.names:
                n = (r, m)
                zero = model.entry.bias.new_zeros(2 * len(model.entry.bias))
                parts.append(torch.cat([self.x[n], views[0][n] + views[1][n]]) if n in self.x else zero)
            logits.append(linear(model.classifier, linear(model.hidden, torch.cat(parts).clamp(min=0))))
        self.logits = torch.stack(logits)
        if model.release == "z":
            views[1] = views[0]
        self.contrast(views)

    def reconstruction(self, call: int, he: Mapping[Edge, Tensor], nd: Mapping[Node, Tensor]) -> dict[Node, Tensor]:
        """One call of the generator and the convolution over what it keeps; adds half of its losses."""
        generator, release = self.model.generator, self.model.release
        z_node, kl_node = {}, []
        for n, row in nd.items():
            mean, deviation = generator.node_latents.mean(row), generator.node_latents.deviation(row)
            z_node[n] = mean + deviation * self.normal(0, (n[0], self.names.index(n[1]), call), mean)
            kl_node.append(divergence(mean, deviation))
        z_edge, kl_edge = {}, []
        for e, row in he.items():
            mean, deviation = generator.edge_latents.mean(row), generator.edge_latents.deviation(row)
            z_edge[e] = mean + deviation * self.normal(1, (self.numbers[e], call), mean)
            kl_edge.append(divergence(mean, deviation))
        logits = {(n, e): self.decoded(z_node[n], z_edge[e]) for n in self.x for e in self.own(n)}
        ones = [F.cross_entropy(d[None], torch.tensor([1])) for d in logits.values()]
        self.add("existing", ones)
        if release != "y":
            pairs = self.absent(call)
            zeros = [F.cross_entropy(self.decoded(z_node[n], z_edge[e])[None], torch.tensor([0])) for n, e in pairs]
            self.absent_losses += zeros
        n_nodes = len(nd)
        if release != "sound":
            phantom = pooled(generator.to_edges, [])
            phantom = divergence(generator.edge_latents.mean(phantom), generator.edge_latents.deviation(phantom))
            kl_edge += [phantom] * (n_nodes - len(he))
        again = 1 if release == "sound" else n_nodes
        self.add("nodes", [k / again for k in kl_node])
        self.add("hyperedges", [k / again for k in kl_edge])
        return self.convolved({pair: self.kept(d, pair, call) for pair, d in logits.items()})

    def add(self, name: str, values: list[Tensor]) -> None:
        mean = sum(values) / len(values) * self.model.generative / 2
        self.losses[f"generation.{name}"] = self.losses.get(f"generation.{name}", 0.0) + mean

    def normal(self, which: int, place: tuple[int, ...], like: Tensor) -> Tensor:
        return torch.zeros_like(like) if self.drawn is None else self.drawn["normal"][which][place]

    def decoded(self, node: Tensor, edge: Tensor) -> Tensor:
        hidden = linear(self.model.generator.pair, node * edge).clamp(min=0)
        return linear(self.model.generator.belongs, hidden)

    def absent(self, call: int) -> Iterator[tuple[Node, Edge]]:
        """Two pairs per node and call that do not belong together, chosen by the uniform numbers."""
        count = len(self.names)
        if self.model.release == "z":
            for r, m, k in [(r, m, k) for r in range(len(self.batch)) for m in range(count) for k in (call, call + 2)]:
                u, v = (float(x[r, m, k]) for x in self.drawn["uniform"])  # type: ignore[index]
                flat, edge = int(u * len(self.batch) * count), list(self.numbers)[int(v * len(self.numbers))]
                node = (flat // count, self.names[flat % count])
                if node in self.x and edge in self.members and not self.holds(edge, node):
                    yield node, edge
            return
        for node in self.x:
            here = [e for e in self.members if (e[1] if e[0] else self.owner[e[1]]) == self.owner[node[0]]]
            outside = [e for e in here if not self.holds(e, node)]
            place = (node[0], self.names.index(node[1]))
            for k in (call, call + 2):
                if outside:
                    yield node, outside[int(self.uniform(place, k) * len(outside))]

    def uniform(self, place: tuple[int, int], k: int) -> float:
        if self.drawn is not None:
            return float(self.drawn["uniform"][0][(*place, k)])
        position = int(self.batch.layout.positions[place[0]])
        return ((position * len(self.names) * 4 + place[1] * 4 + k + 1) * 0.6180339887498949) % 1.0

    def kept(self, logits: Tensor, pair: tuple[Node, Edge], call: int) -> Tensor:
        """What the node weighs in the hyperedge: the second of two classes."""
        (row, m), (modality, _) = pair
        place = (row, self.names.index(m), call)
        noise = 0.0 if self.drawn is None else self.drawn["logistic"][0 if modality else 1][place]
        soft = torch.softmax(torch.stack([logits[0], logits[1] + noise]) / 0.1, 0)
        if self.model.release == "y":
            return torch.softmax(soft + 0.1, 0)[1]
        return (soft[1] > 0.5).to(soft.dtype) + soft[1] - soft[1].detach()

    def convolved(self, kept: Mapping[tuple[Node, Edge], Tensor]) -> dict[Node, Tensor]:
        held, edges = self.model.convolution.weights, {}
        found = {}
        running = self.running() if self.model.release != "sound" else []
        for e, nodes in self.members.items():
            if self.model.release == "y":
                line = [kept[pair] for pair in running]
                places = [self.node_number(n) for n in nodes]
                edges[e] = sum(self.f[n] for n in nodes) / sum(line[p] for p in places)
                continue
            weight = sum(kept[n, e] for n in nodes).detach()
            edges[e] = sum(kept[n, e] * self.f[n] for n in nodes) / (weight if weight != 0 else 1.0)
        for n in self.x:
            weights = [held.edge[self.weight_number(e)] for e in self.own(n)]
            value = sum(edges[e] for e in self.own(n)) / sum(weights) + self.model.convolution.bias
            found[n] = torch.where(value > 0, value, 0.01 * value)
        return found

    def running(self) -> list[tuple[Node, Edge]]:
        """All incidences in the order of the released list."""
        line: list[tuple[Node, Edge]] = []
        for c, rows in enumerate(conversations(self.batch)):
            line += [((r, m), (m, c)) for m in self.names for r in rows]
            line += [((r, m), ("", r)) for r in rows for m in self.names]
        return line

    def node_number(self, node: Node) -> int:
        rows = conversations(self.batch)[self.owner[node[0]]]
        return len(self.names) * rows[0] + self.names.index(node[1]) * len(rows) + node[0] - rows[0]

    def weight_number(self, edge: Edge) -> int:
        if self.model.release == "sound":
            return self.names.index(edge[0]) if edge[0] else len(self.names)
        c = edge[1] if edge[0] else self.owner[edge[1]]
        rows = conversations(self.batch)[c]
        first = rows[0] + c * len(self.names)
        return first + (self.names.index(edge[0]) if edge[0] else len(self.names) + edge[1] - rows[0])

    def contrast(self, views: list[dict[Node, Tensor]]) -> None:
        projected = [
            {n: v if self.model.projection is None else self.model.projection(v) for n, v in view.items()}
            for view in views
        ]
        units = [torch.stack([v / v.norm() for v in view.values()]) for view in projected]
        exponentials = {(a, b): torch.exp(units[a] @ units[b].T / 0.5) for a in range(2) for b in range(2)}
        terms = []
        for a in range(2):
            alike, same = exponentials[a, 1 - a], exponentials[a, a]
            terms += [-torch.log(alike[i, i] / (same[i].sum() + alike[i].sum() - same[i, i])) for i in range(len(same))]
        self.losses["view-contrast"] = self.model.contrastive * sum(terms) / len(terms)


def linear(layer: torch.nn.Linear, row: Tensor) -> Tensor:
    return layer.weight @ row + layer.bias


def divergence(mean: Tensor, deviation: Tensor) -> Tensor:
    return (-0.5 * (1 + 2 * torch.log(deviation) - mean**2 - deviation**2)).sum()


def pooled(pooling: Pooling, rows: list[Tensor]) -> Tensor:
    seed = pooling.seed[0, 0]
    total = seed
    if rows:
        scores = torch.stack([F.leaky_relu(linear(pooling.key, row) @ seed, 0.2) for row in rows])
        weights = torch.softmax(scores, 0)
        total = total + sum(w * linear(pooling.value, row) for w, row in zip(weights, rows, strict=True))
    total = pooling.first_norm(total)
    return pooling.second_norm(total + linear(pooling.inner, total).clamp(min=0)).clamp(min=0)
