"""Uncertainty weighting: each objective is weighed by a noise level that is learnt beside the model."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.balance.learnt import Learnt
from crossspace.errors import UsageError


class UncertaintyWeights(Balancer):
    """Homoscedastic uncertainty (Kendall et al. 2018): weights ``exp(-s_k)``, s_k a learnt log variance.

    The s minimise ``sum_k exp(-s_k) l_k + s_k / 2``, the paper's form for classification, so the weight of a steady
    loss tends to 1 / (2 l_k). They begin at 0, weights at 1, and take one Adam step after every training step, with
    the weights of that step and the exact gradient ``1/2 - exp(-s_k) l_k``.

    Cost: that of fixed weights.

    Args:
        learning_rate: of the s.
        bound: the s stay within ``-bound`` and ``bound``; without it, the weight of a loss that goes to 0 would grow
            for ever.

    Note:
        The paper learns s with the optimizer of the model. Here the balancer has its own Adam, without weight decay
        or schedule. Losses that are not finite leave s and Adam as they were.
    """

    name = "uncertainty"
    needs = "losses"
    about_weights = "Each weight is exp(-s) of a learnt log variance s, at first 1; the weights have no fixed sum."

    def __init__(self, learning_rate: float = 1e-3, bound: float = 5.0) -> None:
        if not learning_rate > 0:
            raise UsageError(f"`learning_rate` should be positive. Found {learning_rate}.")
        if not bound > 0:
            raise UsageError(f"`bound` should be positive. Found {bound}.")
        self.learning_rate, self.bound = learning_rate, bound
        self._log_variances = Learnt(learning_rate)

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) ``exp(-s)``; then s learns from ``losses``."""
        weights = torch.exp(-self._log_variances.values(losses))
        gradient = 0.5 - weights * losses.detach().to(torch.float64)
        self._log_variances.step(gradient, losses).clamp_(-self.bound, self.bound)
        return weights

    def state_dict(self) -> dict[str, Any]:
        """The s and the state of their Adam, nothing before the first step."""
        return self._log_variances.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self._log_variances.load_state_dict(state)
