"""Sinusoidal positions (Vaswani et al. 2017), for conversations of any length."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class SinusoidalPosition(nn.Module):
    """A fixed vector per position: sine on even columns, cosine on odd ones, wavelengths from 2 pi to 10000 * 2 pi.

    Args:
        width: d of the vectors.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.table = torch.empty(
            0, width
        )  # no buffer: what copies or averages a module expects these to keep their size

    def _build(self, positions: Tensor) -> Tensor:
        rate = torch.exp(torch.arange(0, self.width, 2, dtype=torch.float32) * (-math.log(10000.0) / self.width))
        angle = positions.float().unsqueeze(1) * rate
        return torch.stack([angle.sin(), angle.cos()], dim=2).flatten(1)[:, : self.width]

    def forward(self, positions: Tensor, longest: int) -> Tensor:
        """(N,) positions, all below ``longest``, to (N, d); the table grows when a conversation outgrows it."""
        if torch.compiler.is_exporting():  # a graph for conversations of every length has no table that grows
            return self._build(positions)
        table = self.table  # another thread may exchange it meanwhile
        if longest > len(table) or table.device != positions.device:
            table = self.table = self._build(torch.arange(max(512, 2 * longest, len(table)))).to(positions.device)
        return table[positions]
