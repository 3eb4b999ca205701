"""Batch normalisation over the rows that are there, in all processes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from crossspace.nn.missing import only
from crossspace.nn.processes import summed


class BatchNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy 2015) of rows, of which some may be missing.

    In training, mean and variance are those of the present rows of the whole batch, whichever process holds them; a
    missing row enters nothing and comes out as zeros. Running statistics are what evaluation uses. They are renewed by
    :meth:`commit`, which the training step calls once it is known whether the step counts: a refused one leaves them as
    they were.

    Args:
        width: d of the rows.
        eps: added to the variance.
        momentum: weight of a batch in the running statistics.

    Note:
        As in PyTorch, the batch is divided by the root of the biased variance, the running variance is the unbiased
        one, and a single row has variance 0. Micro-batches would each have statistics of their own: a model with this
        layer is refused with them.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, width: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight, self.bias = nn.Parameter(torch.ones(width)), nn.Parameter(torch.zeros(width))
        self.register_buffer("running_mean", torch.zeros(width))
        self.register_buffer("running_var", torch.ones(width))
        self._pending: tuple[Tensor, Tensor] | None = None

    def forward(self, rows: Tensor, present: Tensor | None = None) -> Tensor:
        """(N, d) normalised rows.

        Args:
            rows: (N, d).
            present: (N,) bool, or None when every row is there.
        """
        there = only(rows.to(torch.promote_types(rows.dtype, self.weight.dtype)), present)
        mean, variance = self._statistics(there, present) if self.training else (self.running_mean, self.running_var)
        scaled = (there - mean) * torch.rsqrt(variance + self.eps) * self.weight + self.bias
        return only(scaled, present)

    @torch.no_grad()
    def commit(self, refused: Tensor | None = None) -> None:
        """Take what was seen since the last call into the running statistics.

        Args:
            refused: (); where it is not zero, forget what was seen. Nobody waits for it.
        """
        if self._pending is None:
            return
        for running, seen in zip((self.running_mean, self.running_var), self._pending, strict=True):
            running.copy_(seen if refused is None else torch.where(refused > 0, running, seen))
        self._pending = None

    def _statistics(self, rows: Tensor, present: Tensor | None) -> tuple[Tensor, Tensor]:
        """(d,) mean and biased variance over the present rows of all processes."""
        count = rows.new_full((), len(rows)) if present is None else present.sum().to(rows.dtype)
        sums = summed(torch.cat([rows.sum(0), count.reshape(1)]))
        total, count = sums[:-1], sums[-1]
        some = count.clamp(min=1)
        mean = total / some
        variance = summed(only((rows - mean).square(), present).sum(0)) / some
        with torch.no_grad():
            before = self._pending or (self.running_mean, self.running_var)
            momentum = (count > 0).to(rows.dtype) * self.momentum
            seen = (mean, variance * some / (some - 1).clamp(min=1))
            self._pending = (before[0].lerp(seen[0], momentum), before[1].lerp(seen[1], momentum))
        return mean, variance
