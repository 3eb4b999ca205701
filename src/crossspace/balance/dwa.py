"""Dynamic weight average: objectives whose loss has stopped falling get more weight."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.errors import UsageError

_MOST = 1e3
"""A loss that grew a thousandfold has all of the weight anyway."""


class DynamicWeightAverage(Balancer):
    """Dynamic weight average (Liu et al. 2019): weights ``K softmax(r / T)``, r_k how loss k changed of late.

    ``r_k`` is the mean of the loss over the last epoch divided by that over the epoch before; weights hold for a whole
    epoch, and are 1 in the first two. Their sum is K.

    Cost: that of fixed weights.

    Args:
        temperature: T; the higher, the more even the weights.

    Note:
        Losses that are not finite do not enter the means. A loss that was 0 counts as one that did not change.
    """

    name = "dwa"
    needs = "losses"
    about_weights = "The weights sum to the number of objectives, and are 1 in the first two epochs."

    def __init__(self, temperature: float = 2.0) -> None:
        if not temperature > 0:
            raise UsageError(f"`temperature` should be positive. Found {temperature}.")
        self.temperature = temperature
        self._means: list[Tensor] = []
        self._total: Tensor | None = None

    def begin_epoch(self, epoch: int) -> None:
        """Turn what was seen since the last call into the mean of an epoch."""
        # The one moment at which the host waits for the device, once an epoch.
        if self._total is not None and float(self._total[-1]) > 0:
            self._means = [*self._means, self._total[:-1] / self._total[-1]][-2:]
        self._total = None

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) the weights of this epoch."""
        sums = torch.cat([losses.detach().to(torch.float64), losses.new_ones(1, dtype=torch.float64)])
        # A loss that is not finite adds neither itself nor its count: the last entry counts steps.
        sums = torch.where(torch.isfinite(losses).all(), sums, 0.0)
        self._total = sums if self._total is None else self._total.to(sums.device) + sums
        if len(self._means) < 2:
            return torch.ones_like(sums[:-1])
        before, last = (mean.to(sums.device) for mean in self._means)
        # 0 / 0 has not changed; a loss that came from 0 is held to the largest ratio.
        ratios = torch.nan_to_num(last / before, nan=1.0, posinf=_MOST, neginf=-_MOST).clamp(-_MOST, _MOST)
        ratios = torch.where(before == 0, 1.0, ratios)
        return len(losses) * torch.softmax(ratios / self.temperature, 0)

    def state_dict(self) -> dict[str, Any]:
        """The means of the last two epochs, and the sums of this one with the number of steps behind them."""
        return {"means": list(self._means), "total": self._total}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self._means, self._total = list(state["means"]), state["total"]
