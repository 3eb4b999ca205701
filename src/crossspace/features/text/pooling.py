"""From the states of tokens to one vector."""

from __future__ import annotations

from torch import Tensor


def pool(states: Tensor, weights: Tensor) -> Tensor:
    """``(B, T, D)`` states and ``(B, T)`` weights to the ``(B, D)`` weighted means over the tokens."""
    weights = weights.unsqueeze(2).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)
