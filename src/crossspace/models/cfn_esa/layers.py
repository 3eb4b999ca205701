"""The layers of CFN-ESA: a recurrence that all modalities share, and attention around the text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from crossspace.batching.layout import Layout
from crossspace.nn.dropout import Dropout
from crossspace.nn.encoders.gru import GRUEncoder
from crossspace.nn.linear import Linear
from crossspace.nn.post_norm import multihead_attention

Rows = Mapping[str, Tensor]
Presence = Mapping[str, "Tensor | None"]


class RecurrentLayer(nn.Module):
    """A recurrence and a feed-forward network (RUME), with a norm after each; the second adds the input once more.

    Args:
        width: D of the rows.
        dropout: on both results and inside the feed-forward network.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.recurrence = GRUEncoder(width, 2 * width)
        self.states = Linear(2 * width, width)
        self.states_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, dropout)
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, rows: Tensor, layout: Layout, present: Tensor | None) -> Tensor:
        """(N, D) to (N, D); rows that are not present are passed over."""
        read = self.dropout(self.states(self.recurrence(rows, layout, present)))
        states = self.states_norm(rows + read)
        return self.norm(rows + states + self.feed_forward(states))


class FeedForward(nn.Module):
    """``drop(W drop(relu(V x)))``, twice as wide inside.

    Args:
        width: D of the rows.
        dropout: inside and on the result.
    """

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.inner, self.outer = Linear(width, 2 * width), Linear(2 * width, width)
        self.dropout = Dropout(dropout)

    def forward(self, rows: Tensor) -> Tensor:
        """(N, D) to (N, D)."""
        return self.dropout(self.outer(self.dropout(torch.relu(self.inner(rows)))))


class CrossLayer(nn.Module):
    """Attention within every modality, then across, and a feed-forward network (ACME).

    Text attends to every other modality, and what it finds is joined; the others attend to text. Each step adds all
    rows before it and is followed by a norm.

    Args:
        width: D of the rows.
        heads: attention heads.
        dropout: on every result, and inside the feed-forward networks.
        leading: the modality at the centre.
        others: those around it.
    """

    def __init__(self, width: int, heads: int, dropout: float, leading: str, others: Sequence[str]) -> None:
        super().__init__()
        names = [leading, *others]
        self.leading = leading
        self.within = nn.ModuleDict({m: multihead_attention(width, heads) for m in names})
        self.to_others = nn.ModuleDict({m: multihead_attention(width, heads) for m in others})
        self.to_leading = nn.ModuleDict({m: multihead_attention(width, heads) for m in others})
        self.joined = Linear(len(others) * width, width) if others else None
        self.feed_forward = nn.ModuleDict({m: FeedForward(width, dropout) for m in names})
        self.norms = nn.ModuleDict({m: nn.ModuleList(nn.LayerNorm(width) for _ in range(3)) for m in names})
        self.dropout = Dropout(dropout)

    def forward(self, rows: Rows, layout: Layout, present: Presence) -> dict[str, Tensor]:
        """``{m: (N, D)}`` to the same; a row that is not present is nobody's key."""
        selves = {m: self._norm(m, 0, x + self.dropout(self.within[m](x, layout, present[m]))) for m, x in rows.items()}
        found = {m: x + selves[m] for m, x in rows.items()}
        if self.joined is not None:
            found[self.leading] = found[self.leading] + self._of_others(selves, layout, present)
            for m, attention in self.to_leading.items():
                looked = attention(selves[m], layout, present[self.leading], selves[self.leading])
                found[m] = found[m] + self.dropout(looked)
        crossed = {m: self._norm(m, 1, x) for m, x in found.items()}
        return {m: self._norm(m, 2, x + crossed[m] + self.feed_forward[m](crossed[m])) for m, x in rows.items()}

    def _of_others(self, rows: Rows, layout: Layout, present: Presence) -> Tensor:
        """(N, D) what the leading modality finds in all others together."""
        assert self.joined is not None
        parts = []
        for m, attention in self.to_others.items():
            parts.append(self.dropout(attention(rows[self.leading], layout, present[m], rows[m])))
        return self.dropout(torch.relu(self.joined(torch.cat(parts, dim=1))))

    def _norm(self, modality: str, place: int, rows: Tensor) -> Tensor:
        return self.norms[modality][place](rows)  # type: ignore[index]
