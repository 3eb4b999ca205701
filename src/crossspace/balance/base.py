"""A balancer turns the gradients of several objectives into one step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Literal

from torch import Tensor

Needs = Literal["losses", "gram"]
Space = Literal["parameters", "representation"]


class Balancer(ABC):
    """Weighs K objectives at every step.

    Attributes:
        name: how users call it.
        needs: ``losses`` when the weights do not depend on gradients, ``gram`` when the inner products of the
            gradients of the objectives are needed. The trainer computes no more than that.
        space: where these gradients are taken: over the shared parameters or over the shared representation.
        every: the weights are renewed on every ``every``-th step and kept in between.
    """

    name: ClassVar[str]
    needs: ClassVar[Needs]
    space: Space = "parameters"
    every: int = 1

    @abstractmethod
    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) float64 factors of the objectives.

        Args:
            losses: (K,) values of the objectives, without gradient.
            gram: (K, K) float64 plain inner products of their gradients, for balancers that need them.
        """
