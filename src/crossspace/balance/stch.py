"""Smooth Tchebycheff scalarisation: the largest loss decides, smoothly."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.balance.preference import Preference
from crossspace.errors import UsageError


class STCH(Balancer):
    """Smooth Tchebycheff scalarisation (Lin et al. 2024): the weights of ``mu log sum_k exp(p_k l_k / mu)``.

    That is a smooth maximum of the losses weighed by a preference p (equation 8), and its derivative is
    ``p_k softmax(p l / mu)_k``: the objective that is worst off gets most, all of it as mu tends to 0.

    Cost: that of fixed weights.

    Args:
        mu: the width of the transition from one largest loss to another; 0.01 to 1 in the paper.
        preference: p, one factor per objective, scaled to sum to 1; equal ones when not given.

    Note:
        The ideal point of the paper is 0, which losses of classification approach.
    """

    name = "stch"
    needs = "losses"
    about_weights = (
        "The weights are shares of the largest losses, each times its preference; with equal preferences they sum to "
        "one over the number of objectives."
    )

    def __init__(self, mu: float = 0.1, preference: Sequence[float] | None = None) -> None:
        if not mu > 0:
            raise UsageError(f"`mu` should be positive. Found {mu}.")
        self.mu, self._preference = mu, Preference(preference)

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) the derivative of the smooth maximum."""
        shares = self._preference.of(losses)
        return shares * torch.softmax(shares * losses.detach().to(torch.float64) / self.mu, 0)
