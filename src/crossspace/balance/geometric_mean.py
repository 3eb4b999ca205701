"""The geometric mean of the losses: every loss counts by the proportion in which it falls."""

from __future__ import annotations

import torch
from torch import Tensor

from crossspace.balance.base import Balancer

_LEAST = 1e-8
"""What a smaller loss, or a negative one, counts as."""


class GeometricMean(Balancer):
    """Geometric loss strategy (Chennupati et al. 2019): the weights of ``(l_1 ... l_K)^(1 / K)``.

    The derivative by l_k is the geometric mean over ``K l_k``: a loss half as large gets twice the weight, and the
    unit in which an objective is measured does not matter.

    Cost: that of fixed weights.

    Note:
        Losses are taken to be positive; one below 1e-8 counts as 1e-8, as the weight of a loss that goes to 0 would
        grow for ever.
    """

    name = "geometric-mean"
    needs = "losses"
    about_weights = (
        "Each weight is the geometric mean of the losses over the number of objectives and its own loss; the weights "
        "have no fixed sum."
    )

    def on_device(self, objectives: int) -> bool:
        """Always."""
        return True

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) the derivative of the geometric mean."""
        positive = losses.detach().to(torch.float64).clamp(min=_LEAST)
        return positive.log().mean().exp() / (len(losses) * positive)
