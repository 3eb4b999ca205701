"""One layer of a Transformer over ragged rows."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.layout import Layout
from crossspace.nn.attention import SelfAttention
from crossspace.nn.dropout import Dropout
from crossspace.nn.linear import Linear


class TransformerLayer(nn.Module):
    """Self-attention and a feed-forward network, each added to what went in.

    The feed-forward network has its layer norm first and GELU in the tanh form; there is no norm at the end.

    Args:
        width: d of the rows.
        heads: attention heads.
        dropout: applied to attention weights, to both results, and inside the feed-forward network.
        attention_norm: put a layer norm before the attention too.
    """

    def __init__(self, width: int, heads: int, dropout: float, attention_norm: bool) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(width, eps=1e-6) if attention_norm else nn.Identity()
        self.attention = SelfAttention(width, heads, dropout)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.inner = Linear(width, width)
        self.outer = Linear(width, width)
        self.dropout = Dropout(dropout)

    def forward(
        self, rows: Tensor, layout: Layout, visible: Tensor | None = None, source: Tensor | None = None
    ) -> Tensor:
        """(N, d) rows to (N, d); rows that are not ``visible`` influence no other row.

        With ``source`` (N, d) it is attended to in place of the rows themselves, as it is, and ``visible`` is about it.
        """
        context = self.attention(self.attention_norm(rows), layout, visible, source)
        rows = rows + self.dropout(context)
        inner = self.dropout(F.gelu(self.inner(self.norm(rows)), approximate="tanh"))
        return rows + self.dropout(self.outer(inner))
