"""Balancers: from the gradients of several objectives to one step."""

from __future__ import annotations

from crossspace.balance.base import Balancer
from crossspace.balance.fixed import FixedWeights
from crossspace.balance.gradients import Balance, balanced_backward, gram_matrix
from crossspace.balance.pgm import ParetoGradientModulator
from crossspace.balance.simplex import pareto_weights
from crossspace.components import discover

BALANCERS: dict[str, type[Balancer]] = discover(__name__, __path__, Balancer)  # type: ignore[type-abstract]

__all__ = [
    "BALANCERS",
    "Balance",
    "Balancer",
    "FixedWeights",
    "ParetoGradientModulator",
    "balanced_backward",
    "gram_matrix",
    "pareto_weights",
]
