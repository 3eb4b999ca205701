"""Penalty-based boundary intersection: towards the origin, along a direction in the space of the losses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.balance.preference import Preference
from crossspace.errors import UsageError

_SMOOTH = 1e-5
"""Losses nearer than this, in proportion, are on the direction: float32 knows no better."""


class PBI(Balancer):
    """Penalty-based boundary intersection (Zhang and Li 2007): the weights of ``d_1 + theta d_2``.

    d_1 is how far the vector of losses reaches along a preferred direction p, ``l . p / |p|``, and d_2 its distance
    from it (section III.A of the paper). The derivative is ``p / |p| + theta r / |r|`` with the rest
    ``r = l - d_1 p / |p|``: what is above the preferred proportion of losses gets more weight.

    Cost: that of fixed weights.

    Args:
        theta: the penalty; 5 in the paper. With 0 the weights are fixed.
        preference: p, one number per objective: the proportion that losses should come to; equal ones when not given.

    Note:
        The ideal point of the paper is 0, which losses of classification approach. The distance has no derivative on
        the direction itself; within a hundred-thousandth of it the penalty fades out. With more than a little penalty,
        a loss far below its proportion gets a negative weight and is made to grow: theta below ``1 / sqrt(K - 1)``
        keeps all weights positive when the preference is even.
    """

    name = "pbi"
    needs = "losses"
    about_weights = (
        "The weights are a preferred direction, of length 1, and a penalty on losses that depart from it; some may be "
        "negative."
    )

    def __init__(self, theta: float = 5.0, preference: Sequence[float] | None = None) -> None:
        if not theta >= 0:
            raise UsageError(f"`theta` should be at least 0. Found {theta}.")
        self.theta, self._preference = theta, Preference(preference)

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) the derivative of distance and penalty."""
        direction = torch.nn.functional.normalize(self._preference.of(losses), dim=0)
        values = losses.detach().to(torch.float64)
        rest = values - (values @ direction) * direction
        # The hypotenuse is smooth where the distance is not.
        distance = torch.hypot(rest.norm(), _SMOOTH * values.norm()).clamp(min=torch.finfo(torch.float64).tiny)
        return direction + self.theta * rest / distance
