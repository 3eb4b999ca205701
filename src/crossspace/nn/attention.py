"""Scaled dot-product attention within each conversation of a ragged batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from crossspace.data.layout import Block, Layout
from crossspace.errors import UsageError
from crossspace.nn.dropout import dropout as drop
from crossspace.nn.linear import Linear
from crossspace.nn.ragged import map_blocks

_LONG = 1024
"""Conversations longer than this are attended to a slice of queries at a time, so that memory stays linear."""


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    layout: Layout,
    heads: int,
    visible: Tensor | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Multi-head attention of every row over the rows of its own conversation (Vaswani et al. 2017).

    Args:
        query, key, value: (N, d) projected rows.
        layout: the conversations.
        heads: number of heads; divides d.
        visible: (N,) bool, False for rows that may not serve as keys. Where a conversation has no visible row, the
            result is zero.
        dropout: probability of dropping an attention weight.

    Returns:
        (N, d)
    """
    extra = () if visible is None else (visible,)

    def one_block(block: Block, q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None = None) -> Tensor:
        mask = None if block.full else block.valid
        if seen is not None:
            mask = seen & block.valid
        q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
        context = _scaled_dot_product(q, k, v, mask, dropout)
        if seen is not None and mask is not None:
            context = context * mask.any(1)[:, None, None, None].to(context.dtype)
        return context.transpose(1, 2).flatten(2)

    return map_blocks(one_block, layout, query, key, value, *extra)


def _scaled_dot_product(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    if mask is not None:
        # A conversation without a visible key would turn into NaN: let it look everywhere, its result is discarded.
        mask = (mask | ~mask.any(1, keepdim=True))[:, None, None, :]
    if dropout == 0.0:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    if q.shape[2] <= _LONG:
        return _with_dropout(q, k, v, mask, dropout)
    slices = [
        checkpoint(_with_dropout, part, k, v, mask, dropout, use_reentrant=False) for part in q.split(_LONG // 4, dim=2)
    ]
    return torch.cat(slices, dim=2)


def _with_dropout(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    if not q.is_cpu:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=dropout)
    # PyTorch has no fused kernel with dropout on the CPU, and what it does instead costs more passes than this.
    scores = (q * q.shape[-1] ** -0.5) @ k.transpose(2, 3)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return drop(torch.softmax(scores, dim=-1), dropout) @ v


class SelfAttention(nn.Module):
    """Multi-head self-attention within the conversation, with biases everywhere.

    Args:
        width: d of the rows.
        heads: number of heads.
        dropout: probability of dropping an attention weight during training.
    """

    def __init__(self, width: int, heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        check_heads(width, heads)
        self.heads, self.dropout = heads, dropout
        self.query = Linear(width, width)
        self.key = Linear(width, width)
        self.value = Linear(width, width)
        self.output = Linear(width, width)

    def forward(
        self, rows: Tensor, layout: Layout, visible: Tensor | None = None, source: Tensor | None = None
    ) -> Tensor:
        """(N, d) rows to (N, d) context; rows that are not ``visible`` serve nobody as a key.

        With ``source`` (N, d), keys and values come from there: attention from one modality to another.
        """
        dropout = self.dropout if self.training else 0.0
        source = rows if source is None else source
        context = attend(
            self.query(rows), self.key(source), self.value(source), layout, self.heads, visible=visible, dropout=dropout
        )
        return self.output(context)


def check_heads(width: int, heads: int) -> None:
    """Raise :class:`UsageError` unless ``heads`` divides ``width``."""
    if heads < 1 or width % heads:
        raise UsageError(f"`width` should be divisible by `heads`. Found width={width}, heads={heads}.")
