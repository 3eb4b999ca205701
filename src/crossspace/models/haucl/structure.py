"""The hyperedges of a batch in one list, and pairs of a node and a hyperedge that does not hold it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from crossspace.batching.layout import Layout
from crossspace.nn.graph import conversation_sums


@dataclass(frozen=True, eq=False)
class Structure:
    """N utterances with M modalities in B conversations; hyperedges are those of modalities, then of utterances.

    Attributes:
        layout: the conversations.
        present: (N, M) bool, the nodes that are there.
        complete: all are known to be.
    """

    layout: Layout
    present: Tensor
    complete: bool = False

    @property
    def edges_of_modalities(self) -> int:
        """B M: hyperedge ``b M + m`` is modality m of conversation b, ``B M + i`` is utterance i."""
        return len(self.layout.lengths) * self.present.shape[1]

    def own_edges(self) -> tuple[Tensor, Tensor]:
        """(N, M) the two hyperedges of every node: of its modality, and of its utterance."""
        count, modalities = self.present.shape
        which = torch.arange(modalities, device=self.present.device)
        of_modality = self.layout.conversations[:, None] * modalities + which
        utterances = torch.arange(count, device=self.present.device)[:, None] + self.edges_of_modalities
        return of_modality, utterances.expand(count, modalities)

    def of_nodes(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """(B M + N, c, d) rows of hyperedges to (N, M, c, d) and (N, 1, c, d), those of the two that hold a node."""
        split, modalities = self.edges_of_modalities, self.present.shape[1]
        of_modalities = rows[:split].unflatten(0, (-1, modalities))
        return of_modalities.index_select(0, self.layout.conversations), rows[split:, None]

    def edges_there(self) -> Tensor:
        """(B M + N,) bool, the hyperedges that hold a node."""
        held = conversation_sums(self.present.float(), self.layout) > 0
        return torch.cat([held.flatten(), self.present.any(1)])

    def outside(self, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """For each node hyperedges of its conversation that do not hold it, chosen by numbers between 0 and 1.

        Args:
            uniform: (N, M, K), of which each chooses one.

        Returns:
            (N, M, K) hyperedges, and (N, M) bool, whether there is any to choose.
        """
        modalities, lengths = (
            self.present.shape[1],
            torch.tensor(self.layout.lengths, dtype=torch.long, device=self.present.device),
        )
        conversations = torch.arange(len(lengths), device=self.present.device).repeat_interleave(modalities)
        owner, there = torch.cat([conversations, self.layout.conversations]), self.edges_there()
        # Conversation by conversation, first the hyperedges that are there, those of modalities before the others.
        order = torch.argsort(2 * owner + ~there, stable=True)
        rank = torch.argsort(order)
        starts = (lengths + modalities).cumsum(0) - lengths - modalities
        counts = conversation_sums(self.present.any(1, keepdim=True).float(), self.layout)[:, 0].long()
        counts = counts + there[: self.edges_of_modalities].view(-1, modalities).sum(1)
        start, room = (x[self.layout.conversations][:, None, None] for x in (starts, counts - 2))
        first, second = (rank[edges][..., None] - start for edges in self.own_edges())
        chosen = (uniform * room).long().clamp(min=0)
        chosen = torch.minimum(chosen, (room - 1).clamp(min=0))  # a float just below 1 may round up
        chosen = chosen + (chosen >= first)
        chosen = chosen + (chosen >= second)
        possible = self.present & (room[..., 0] > 0)
        place = torch.where(possible[..., None], start + chosen, 0)
        return order[place], possible

    def anywhere(self, nodes: Tensor, edges: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pairs of a node and a hyperedge of the whole batch, chosen by numbers between 0 and 1 (the released code).

        Args:
            nodes, edges: (N, M, K).

        Returns:
            (N, M, K) nodes as places among N M, and hyperedges; and (N, M, K) bool, whether the pair is one of a node
            that is there and a hyperedge that is there and does not hold it.
        """
        there = self.edges_there()
        node = (nodes * self.present.numel()).long().clamp(max=self.present.numel() - 1)
        edge = (edges * len(there)).long().clamp(max=len(there) - 1)
        first, second = (own.flatten()[node] for own in self.own_edges())
        return node, edge, self.present.flatten()[node] & there[edge] & (edge != first) & (edge != second)
