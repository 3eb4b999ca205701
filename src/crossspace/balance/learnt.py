"""What a balancer learns beside the model: one number per objective, by an Adam of its own."""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.errors import UsageError


class Learnt:
    """K numbers that begin at 0 and follow gradients by Adam, on the device of the losses.

    Args:
        learning_rate: of Adam.
        weight_decay: of Adam, added to the gradient.
    """

    def __init__(self, learning_rate: float, weight_decay: float = 0.0) -> None:
        self.learning_rate, self.weight_decay = learning_rate, weight_decay
        self._values: Tensor | None = None
        self._adam: torch.optim.Adam | None = None

    def values(self, losses: Tensor) -> Tensor:
        """(K,) float64, one per loss."""
        return self._learner(losses)[0]

    def step(self, gradient: Tensor, losses: Tensor) -> Tensor:
        """(K,) the numbers after a step along (K,) ``gradient``; they and Adam stay where a loss is not finite."""
        values, adam = self._learner(losses)
        values.grad = gradient
        # The fused Adam refuses the step on the device when told so; nobody has to wait for the losses.
        adam.found_inf = (~torch.isfinite(losses).all()).to(torch.float32)  # type: ignore[attr-defined]
        adam.step()
        return values

    def state_dict(self) -> dict[str, Any]:
        """The numbers and the state of their Adam, nothing before they were asked for."""
        if self._values is None or self._adam is None:
            return {}
        return copy.deepcopy({"values": self._values, "adam": self._adam.state_dict()})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        if state:
            self._place(state["values"], copy.deepcopy(state["adam"]))

    def _learner(self, losses: Tensor) -> tuple[Tensor, torch.optim.Adam]:
        if self._values is None or self._adam is None:
            return self._place(torch.zeros(len(losses), dtype=torch.float64, device=losses.device))
        if self._values.device != losses.device:
            return self._place(self._values.to(losses.device), self._adam.state_dict())
        return self._values, self._adam

    def _place(self, values: Tensor, state: dict[str, Any] | None = None) -> tuple[Tensor, torch.optim.Adam]:
        self._values = values.detach().clone()
        self._adam = torch.optim.Adam([self._values], lr=self.learning_rate, weight_decay=self.weight_decay, fused=True)
        if state is not None:
            self._adam.load_state_dict(state)
        return self._values, self._adam


class LearntScales(Balancer):
    """Base of balancers whose weights are ``exp(sign s_k)``, s_k a learnt log scale.

    The s begin at 0, weights at 1, and take one Adam step after every training step, with the weights of that step and
    the gradient ``sign (w_k l_k - target)``, under which the weight of a steady loss tends to ``target / l_k``.

    Args:
        learning_rate: of the s.
        bound: the s stay within ``-bound`` and ``bound``; without it, the weight of a loss that goes to 0 would grow
            for ever.

    Attributes:
        sign: 1 or -1.
        target: what scaled losses tend to.
    """

    needs = "losses"
    sign: ClassVar[int]
    target: ClassVar[float]

    def __init__(self, learning_rate: float = 1e-3, bound: float = 5.0) -> None:
        if not learning_rate > 0:
            raise UsageError(f"`learning_rate` should be positive. Found {learning_rate}.")
        if not bound > 0:
            raise UsageError(f"`bound` should be positive. Found {bound}.")
        self.learning_rate, self.bound = learning_rate, bound
        self._scales = Learnt(learning_rate)

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) ``exp(sign s)``; then s learns from ``losses``."""
        weights = torch.exp(self.sign * self._scales.values(losses))
        gradient = self.sign * (weights * losses.detach().to(torch.float64) - self.target)
        self._scales.step(gradient, losses).clamp_(-self.bound, self.bound)
        return weights

    def state_dict(self) -> dict[str, Any]:
        """The s and the state of their Adam, nothing before the first step."""
        return self._scales.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self._scales.load_state_dict(state)
