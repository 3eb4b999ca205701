"""IMTL-L: losses scaled until all are about one."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.balance.learnt import Learnt
from crossspace.errors import UsageError


class IMTLL(Balancer):
    """Impartial learning, loss part (Liu et al. 2021): weights ``exp(s_k)``, s_k a learnt log scale.

    The s minimise ``sum_k exp(s_k) l_k - s_k`` (equation 8), so that the weight of a steady loss tends to 1 / l_k and
    all scaled losses to 1. They begin at 0, weights at 1, and take one Adam step after every training step, with the
    weights of that step and the exact gradient ``exp(s_k) l_k - 1``.

    Cost: that of fixed weights.

    Args:
        learning_rate: of the s.
        bound: the s stay within ``-bound`` and ``bound``; without it, the weight of a loss that goes to 0 would grow
            for ever.

    Note:
        ``uncertainty`` of half the losses, in effect: its weights tend to 1 / (2 l_k). The paper learns s with the
        optimizer of the model; here the balancer has its own Adam, without weight decay or schedule. Losses that are
        not finite leave s and Adam as they were. The part for gradients is ``imtl-g``.
    """

    name = "imtl-l"
    needs = "losses"
    about_weights = "Each weight is exp(s) of a learnt log scale s, at first 1; the weights have no fixed sum."

    def __init__(self, learning_rate: float = 1e-3, bound: float = 5.0) -> None:
        if not learning_rate > 0:
            raise UsageError(f"`learning_rate` should be positive. Found {learning_rate}.")
        if not bound > 0:
            raise UsageError(f"`bound` should be positive. Found {bound}.")
        self.learning_rate, self.bound = learning_rate, bound
        self._log_scales = Learnt(learning_rate)

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) ``exp(s)``; then s learns from ``losses``."""
        weights = torch.exp(self._log_scales.values(losses))
        gradient = weights * losses.detach().to(torch.float64) - 1.0
        self._log_scales.step(gradient, losses).clamp_(-self.bound, self.bound)
        return weights

    def state_dict(self) -> dict[str, Any]:
        """The s and the state of their Adam, nothing before the first step."""
        return self._log_scales.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self._log_scales.load_state_dict(state)
