"""Scaled dot-product attention within each conversation of a ragged batch."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from crossspace.batching.layout import Block, Layout
from crossspace.batching.memory import Memory
from crossspace.errors import UsageError
from crossspace.nn.dropout import dropout as drop
from crossspace.nn.growing import Growing
from crossspace.nn.linear import Linear
from crossspace.nn.ragged import map_blocks

_LONG = 1024
"""Conversations longer than this are attended to a slice of queries at a time, so that memory stays linear."""

_MUCH = 1 << 20
"""Numbers in the remembered keys from which it pays to leave out conversations in which none is visible."""


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    layout: Layout,
    heads: int,
    visible: Tensor | None = None,
    dropout: float = 0.0,
    owner: Hashable = None,
) -> Tensor:
    """Multi-head attention of every row over the rows of its own conversation (Vaswani et al. 2017).

    Args:
        query, key, value: (N, d) projected rows.
        layout: the conversations; where it is causal, a row reaches itself and the rows before it, and those of its
            memory.
        heads: number of heads; divides d.
        visible: (N,) bool, False for rows that may not serve as keys. Where a row reaches no visible one, the result is
            zero.
        dropout: probability of dropping an attention weight.
        owner: under what the memory of the layout keeps keys and values; no two calls of a pass share one.

    Returns:
        (N, d)
    """
    extra = () if visible is None else (visible,)

    def one_block(block: Block, q: Tensor, k: Tensor, v: Tensor, seen: Tensor | None = None) -> Tensor:
        # Padding comes last: a causal row does not reach it.
        keys = None if block.full or layout.causal else block.valid
        if seen is not None:
            keys = seen & block.valid
        q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
        if layout.memory is not None:
            k, v, keys = _recall(layout.memory, owner, k, v, keys)
        if layout.memory is not None and keys is not None and k.numel() > _MUCH:
            context = _one_by_one(q, k, v, keys, layout.causal, dropout)
        else:
            context = _scaled_dot_product(q, k, v, keys, layout.causal, dropout)
        if seen is not None and keys is not None:
            context = context * _reached(keys, q.shape[2], layout.causal).to(context.dtype)
        return context.transpose(1, 2).flatten(2)

    return map_blocks(one_block, layout, query, key, value, *extra)


def _recall(
    memory: Memory, owner: Hashable, key: Tensor, value: Tensor, visible: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """(b, heads, t, d) keys, values and which of them are visible (b, t), after those kept under ``owner``."""
    if owner is None:
        raise ValueError("Attention with a memory needs an `owner`, under which keys and values are kept. Found none.")
    if visible is None:
        visible = torch.ones(len(key), key.shape[2], dtype=torch.bool, device=key.device)
    keys, values, seen = memory.kept.setdefault(owner, (Growing(), Growing(), Growing()))
    # Each head by itself, so that what one query reads of a long conversation lies together.
    past_keys, answers = (
        kept.append(new.flatten(0, 1)).unflatten(0, new.shape[:2]) for kept, new in ((keys, key), (values, value))
    )
    return past_keys, answers, seen.append(visible)


def _reached(keys: Tensor, queries: int, causal: bool) -> Tensor:
    """(b, 1, t, 1), or 1 in place of t: whether the last t = ``queries`` of the (b, T) ``keys`` reach any."""
    reached = (keys.cumsum(1) > 0)[:, -queries:] if causal else keys.any(1, keepdim=True)
    return reached[:, None, :, None]


def _mask(keys: Tensor | None, queries: Tensor, count: int, causal: bool) -> Tensor | None:
    """(b, 1, t, T), or 1 in place of b and t: which of ``count`` keys each of the (t,) ``queries`` may look at."""
    mask = None if keys is None else keys[:, None, :]
    if causal:
        past = torch.arange(count, device=queries.device) <= queries[:, None]
        mask = past[None] if mask is None else mask & past
    # A query without a visible key would turn into NaN: let it look everywhere, its result is discarded.
    return None if mask is None else (mask | ~mask.any(2, keepdim=True))[:, None]


def _scaled_dot_product(q: Tensor, k: Tensor, v: Tensor, keys: Tensor | None, causal: bool, dropout: float) -> Tensor:
    """(b, heads, t, d) queries over the (b, heads, T, d) keys, of which they are the last t."""
    count, total = q.shape[2], k.shape[2]
    if keys is None and dropout == 0.0 and count == total:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    places = torch.arange(total - count, total, device=q.device)
    # What is exported holds for every number of queries, and does not ask how many there are.
    if torch.compiler.is_exporting() or count <= _LONG or (dropout == 0.0 and not causal):
        return _masked(q, k, v, _mask(keys, places, total, causal), dropout)
    run = partial(checkpoint, _masked, use_reentrant=False) if dropout > 0.0 else _masked
    slices = [
        run(part, k, v, _mask(keys, queries, total, causal), dropout)
        for part, queries in zip(q.split(_LONG // 4, dim=2), places.split(_LONG // 4), strict=True)
    ]
    return torch.cat(slices, dim=2)


def _one_by_one(q: Tensor, k: Tensor, v: Tensor, keys: Tensor, causal: bool, dropout: float) -> Tensor:
    """The same for one conversation after the other, and zero where no key is visible.

    A stream remembers one conversation per subset of the modalities; half of them lack the one that is attended to,
    and what is kept of a long conversation need not be read for them.
    """
    context = torch.zeros_like(q)
    for row in keys.any(1).nonzero().flatten().tolist():
        one = slice(row, row + 1)
        context[one] = _scaled_dot_product(q[one], k[one], v[one], keys[one], causal, dropout)
    return context


def _masked(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    if dropout == 0.0 or not q.is_cpu:
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
            self.query(rows),
            self.key(source),
            self.value(source),
            layout,
            self.heads,
            visible=visible,
            dropout=dropout,
            owner=self,
        )
        return self.output(context)


def check_heads(width: int, heads: int) -> None:
    """Raise :class:`UsageError` unless ``heads`` divides ``width``."""
    if heads < 1 or width % heads:
        raise UsageError(f"`width` should be divisible by `heads`. Found width={width}, heads={heads}.")
