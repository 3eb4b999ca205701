"""A Transformer layer as PyTorch has it: the layer norm after each half, and its initial values."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.layout import Layout
from crossspace.nn.attention import SelfAttention
from crossspace.nn.dropout import Dropout
from crossspace.nn.linear import Linear


def multihead_attention(width: int, heads: int, dropout: float = 0.0) -> SelfAttention:
    """Attention with the initial values of ``nn.MultiheadAttention``.

    Its three input maps are one matrix there, drawn evenly as a whole (Glorot), and all biases are zero.
    """
    attention = SelfAttention(width, heads, dropout)
    bound = (6.0 / (4 * width)) ** 0.5
    for part in (attention.query, attention.key, attention.value):
        nn.init.uniform_(part.weight, -bound, bound)
        nn.init.zeros_(part.bias)
    nn.init.zeros_(attention.output.bias)
    return attention


class PostNormLayer(nn.Module):
    """``nn.TransformerEncoderLayer`` with ReLU over ragged rows (Vaswani et al. 2017).

    Args:
        width: d of the rows.
        heads: attention heads.
        feed_forward: width of the inner layer.
        dropout: on attention weights, on the results of both halves, and inside the feed-forward network.
    """

    def __init__(self, width: int, heads: int, feed_forward: int, dropout: float) -> None:
        super().__init__()
        self.attention = multihead_attention(width, heads, dropout)
        self.attention_norm = nn.LayerNorm(width)
        self.inner = Linear(width, feed_forward)
        self.outer = Linear(feed_forward, width)
        self.norm = nn.LayerNorm(width)
        self.dropout = Dropout(dropout)

    def forward(self, rows: Tensor, layout: Layout, visible: Tensor | None = None) -> Tensor:
        """(N, d) rows to (N, d); rows that are not ``visible`` influence no other row."""
        rows = self.attention_norm(rows + self.dropout(self.attention(rows, layout, visible)))
        inner = self.dropout(F.relu(self.inner(rows)))
        return self.norm(rows + self.dropout(self.outer(inner)))
