"""What HAUCL's generator is trained with: incidences as they are, and latents that are normal."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.models.haucl.generator import CALLS
from crossspace.nn.graph import conversation_sums
from crossspace.objectives.base import Objective, Part, labelled
from crossspace.output import Output


class _Generation(Objective):
    """Base of both forms: the extras of the output are the losses of the generator, ``generated.<name>`` each.

    Utterances without a label and nodes that are missing take no part; the hyperedge of a modality takes part where an
    utterance of the conversation does that has it.

    Args:
        modalities: of the model, in its order.
        weight: what the objective is multiplied by.
    """

    name = "generation"

    def __init__(self, modalities: Sequence[str], weight: float) -> None:
        self.modalities, self.weight = tuple(modalities), weight

    def parts(self, output: Output, batch: Batch, class_weights: Tensor | None = None) -> dict[str, Part]:
        """``generation.existing`` and ``.absent``, of pairs of a node and a hyperedge, ``.nodes``, ``.hyperedges``."""
        losses = {k.removeprefix("generated."): x for k, x in output.extras.items() if k.startswith("generated.")}
        rows = labelled(batch)
        there = torch.stack([batch.present[m] for m in self.modalities], dim=1) & rows[:, None]
        nodes = CALLS * there.sum()
        parts = {"existing": (_over(losses["existing"], rows), 2 * nodes)}
        if "absent" in losses:
            parts["absent"] = (_over(losses["absent"], rows), _over(losses["absent_count"], rows))
        held = conversation_sums(there.to(losses["modalities"].dtype), batch.layout) > 0
        edges = _over(losses["modalities"], held) + _over(losses["utterances"], rows)
        parts["nodes"] = (_over(losses["nodes"], rows), self.node_count(nodes))
        parts["hyperedges"] = self.edge_mean(edges, held.sum() + there.any(1).sum(), nodes, losses)
        return {
            f"{self.name}.{k}": Part(self.weight * total, count.to(total.dtype)) for k, (total, count) in parts.items()
        }

    @abstractmethod
    def node_count(self, nodes: Tensor) -> Tensor:
        """What the divergences of ``nodes`` () nodes, counted once per call, are divided by."""

    @abstractmethod
    def edge_mean(
        self, total: Tensor, count: Tensor, nodes: Tensor, losses: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """The divergence of the hyperedges, and what it is divided by, from their total and count."""


class Generation(_Generation):
    """Cross-entropies of incidences, and divergences from a standard normal distribution, each a mean."""

    def node_count(self, nodes: Tensor) -> Tensor:
        """As many as there are."""
        return nodes

    def edge_mean(
        self, total: Tensor, count: Tensor, nodes: Tensor, losses: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """As it is."""
        return total, count


class ReleasedGeneration(_Generation):
    """The same with divergences divided by the number of nodes once more, as the released codes do.

    As many rows of hyperedges as there are nodes take part there; those beyond the hyperedges that there are hold no
    node, and are all alike.

    Note:
        A mean that is divided by a count again is not a sum over processes.
    """

    separable = False

    def node_count(self, nodes: Tensor) -> Tensor:
        """Twice: for their mean, and by the nodes of one call."""
        return nodes * (nodes // CALLS)

    def edge_mean(
        self, total: Tensor, count: Tensor, nodes: Tensor, losses: dict[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """With the rows that hold no node; divided by the number of nodes, and again."""
        rows = nodes // CALLS
        return total + (rows - count).clamp(min=0) * losses["phantom"].sum(), rows * rows


def _over(values: Tensor, rows: Tensor) -> Tensor:
    """The sum over ``rows``, a mask of the shape of ``values``."""
    return torch.where(rows, values, 0).sum()
