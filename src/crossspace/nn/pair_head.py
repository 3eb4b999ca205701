"""A small network over every two utterances of a conversation, without a tensor of pairs as wide as they are."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from crossspace.batching.pairs import Pairs
from crossspace.nn.dropout import Dropout
from crossspace.nn.linear import Linear

_SLICE = 1 << 18
"""Pairs beyond which the hidden layer is computed slice by slice, and again for the gradient."""


class PairHead(nn.Module):
    """``V drop(relu(U [x_i ; y_j] + c)) + e`` for pairs (i, j).

    The first map is that of two halves, one per utterance, which are added per pair.

    Args:
        width: d of either half.
        hidden: of the layer between.
        dropout: on that layer.
        outputs: numbers per pair.
    """

    def __init__(self, width: int, hidden: int, dropout: float, outputs: int = 2) -> None:
        super().__init__()
        self.hidden = Linear(2 * width, hidden)
        self.output = nn.Linear(hidden, outputs)
        self.dropout = Dropout(dropout)

    def forward(self, first: Tensor, second: Tensor, pairs: Pairs) -> Tensor:
        """(N, d) rows of the one and (N, d) of the other to (P, outputs)."""
        one, other = self.hidden.weight.chunk(2, dim=1)
        first, second = F.linear(first, one, self.hidden.bias), F.linear(second, other)
        if len(pairs) <= _SLICE:
            return self._scores(first, second, pairs.first, pairs.second)
        slices = [
            checkpoint(self._scores, first, second, i, j, use_reentrant=False)
            for i, j in zip(pairs.first.split(_SLICE), pairs.second.split(_SLICE), strict=True)
        ]
        return torch.cat(slices)

    def _scores(self, first: Tensor, second: Tensor, i: Tensor, j: Tensor) -> Tensor:
        hidden = torch.relu(first.index_select(0, i) + second.index_select(0, j))
        return self.output(self.dropout(hidden))
