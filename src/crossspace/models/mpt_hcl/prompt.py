"""Prompts: what filters let through of weak modalities, and the Transformer layer that looks at it."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.layout import Block, Layout
from crossspace.nn.dropout import Dropout
from crossspace.nn.linear import Linear
from crossspace.nn.ragged import map_blocks

Prompt = Literal["conversation", "utterance", "pooled"]


class FeatureFilter(nn.Module):
    """What of a weak modality is worth a place in the prompt: ``sigmoid(G [u ; h] + c) * tanh(F u)``, ``u = W x + b``.

    Args:
        features: D of the modality.
        width: d.
        guided: let the gate see the rows h of the leading modality too.
    """

    def __init__(self, features: int, width: int, guided: bool) -> None:
        super().__init__()
        self.projection = Linear(features, width)
        self.gate = Linear(2 * width if guided else width, width)
        self.content = Linear(width, width, bias=False)
        self.guided = guided

    def forward(self, features: Tensor, leading: Tensor) -> Tensor:
        """(N, D) features and (N, d) rows of the leading modality to (N, d)."""
        rows = self.projection(features)
        seen = torch.cat([rows, leading], dim=1) if self.guided else rows
        return torch.sigmoid(self.gate(seen)) * torch.tanh(self.content(rows))


class PromptLayer(nn.Module):
    """A Transformer layer with the norm after each half, whose attention also has keys and values from a prompt.

    Args:
        width: d of the rows.
        heads: attention heads.
        prompt_width: of the rows the prompt is made from; 0 for none.
        dropout: on the results of both halves.
        prompt: whom a row may look at among the prompts: those of its ``conversation``, that of its own
            ``utterance``, or a single one ``pooled`` over the conversation.
    """

    def __init__(self, width: int, heads: int, prompt_width: int, dropout: float, prompt: Prompt) -> None:
        super().__init__()
        self.heads, self.kind = heads, prompt
        self.rows = Linear(width, 3 * width)
        self.prompt = Linear(prompt_width, 2 * width) if prompt_width else None
        self.output = Linear(width, width)
        self.attention_norm, self.norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inner, self.outer = Linear(width, 4 * width), Linear(4 * width, width)
        self.dropout = Dropout(dropout)

    def forward(
        self, rows: Tensor, prompts: Tensor | None, layout: Layout, visible: Tensor, prompted: Tensor
    ) -> Tensor:
        """(N, d) rows to (N, d).

        Args:
            rows: of the leading modality.
            prompts: (N, prompt_width) what prompts are made from.
            layout: the conversations.
            visible: (N,) bool, rows that serve as keys.
            prompted: (N,) bool, rows that have a prompt.
        """
        query, key, value = self.rows(rows).chunk(3, dim=1)
        prompt = () if self.prompt is None else self.prompt(prompts).chunk(2, dim=1)
        attended = map_blocks(self._attend, layout, query, key, value, visible, prompted, *prompt)
        rows = self.attention_norm(rows + self.dropout(self.output(attended)))
        return self.norm(rows + self.dropout(self.outer(F.gelu(self.inner(rows)))))

    def _attend(
        self,
        block: Block,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        visible: Tensor,
        prompted: Tensor,
        *prompt: Tensor,
    ) -> Tensor:
        mask = (visible & block.valid)[:, None, :].expand(-1, query.shape[1], -1)
        if prompt:
            key, value = torch.cat([prompt[0], key], dim=1), torch.cat([prompt[1], value], dim=1)
            mask = torch.cat([self._prompt_mask(prompted & block.valid), mask], dim=2)
        reached = mask.any(2, keepdim=True)
        q, k, v = (x.unflatten(2, (self.heads, -1)).transpose(1, 2) for x in (query, key, value))
        # A row that reaches nothing would become NaN: it looks everywhere, and what it sees is thrown away.
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=(mask | ~reached).unsqueeze(1))
        return torch.where(reached, context.transpose(1, 2).flatten(2), 0.0)

    def _prompt_mask(self, prompted: Tensor) -> Tensor:
        """(b, t, t) which prompt each row looks at."""
        count = prompted.shape[1]
        mask = prompted[:, None, :].expand(-1, count, -1)
        if self.kind == "conversation":
            return mask
        places = torch.arange(count, device=prompted.device)
        if self.kind == "utterance":
            return mask & (places[:, None] == places)
        # Every row that has a prompt has the same one: the first of them stands for all.
        return mask & (places == prompted.int().argmax(1, keepdim=True))[:, None, :]
