"""Dropout whose random numbers are cheap on the CPU."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_ALL = 1 << 32
_LOWEST = -(1 << 31)


class Dropout(nn.Dropout):
    """``nn.Dropout``; on the CPU by :func:`dropout`."""

    def forward(self, input: Tensor) -> Tensor:
        """Any shape to the same; unchanged outside of training."""
        return dropout(input, self.p) if self.training else input


def dropout(rows: Tensor, probability: float) -> Tensor:
    """Zero every entry with ``probability`` and scale the others so that the mean stays.

    Note:
        PyTorch draws one Bernoulli variable after the other on the CPU. Here each takes 32 random bits, two from one
        draw, which is several times faster; the probability is met to 2^-32.
    """
    if not rows.is_cpu or not 0.0 < probability < 1.0:
        return F.dropout(rows, probability)
    count = rows.numel()
    bits = torch.empty((count + 1) // 2, dtype=torch.int64).random_(-(1 << 63), None).view(torch.int32)[:count]
    kept = bits >= _LOWEST + round(probability * _ALL)
    return rows * kept.view(rows.shape).to(rows.dtype).mul_(1.0 / (1.0 - probability))
