"""Uncertainty weighting: each objective is weighed by a noise level that is learnt beside the model."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
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
        self._log_variances: Tensor | None = None
        self._adam: torch.optim.Adam | None = None

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) ``exp(-s)``; then s learns from ``losses``."""
        values, adam = self._learner(losses)
        weights = torch.exp(-values)
        values.grad = 0.5 - weights * losses.detach().to(torch.float64)
        # The fused Adam refuses the step on the device when told so; nobody has to wait for the losses.
        adam.found_inf = (~torch.isfinite(losses).all()).to(torch.float32)  # type: ignore[attr-defined]
        adam.step()
        values.clamp_(-self.bound, self.bound)
        return weights

    def state_dict(self) -> dict[str, Any]:
        """The s and the state of their Adam, nothing before the first step."""
        if self._log_variances is None or self._adam is None:
            return {}
        return copy.deepcopy({"log_variances": self._log_variances, "adam": self._adam.state_dict()})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        if state:
            self._place(state["log_variances"], copy.deepcopy(state["adam"]))

    def _learner(self, losses: Tensor) -> tuple[Tensor, torch.optim.Adam]:
        if self._log_variances is None or self._adam is None:
            return self._place(torch.zeros(len(losses), dtype=torch.float64, device=losses.device))
        if self._log_variances.device != losses.device:
            return self._place(self._log_variances.to(losses.device), self._adam.state_dict())
        return self._log_variances, self._adam

    def _place(self, values: Tensor, state: dict[str, Any] | None = None) -> tuple[Tensor, torch.optim.Adam]:
        self._log_variances = values.detach().clone()
        self._adam = torch.optim.Adam([self._log_variances], lr=self.learning_rate, fused=True)
        if state is not None:
            self._adam.load_state_dict(state)
        return self._log_variances, self._adam
