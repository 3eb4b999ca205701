"""A balancer turns the gradients of several objectives into one step."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

from torch import Tensor

Needs = Literal["losses", "gram"]
Space = Literal["parameters", "representation"]


class Balancer(ABC):
    """Weighs K objectives at every step.

    Attributes:
        name: how users call it.
        needs: ``losses`` when the weights do not depend on gradients, ``gram`` when the inner products of the
            gradients of the objectives are needed. The trainer computes no more than that.
        about_weights: one sentence for readers of a report: what the weights add up to, or that they add up to nothing
            fixed. Where it depends on an argument, a property.
        space: where these gradients are taken: over the shared parameters or over the shared representation.
        every: the weights are renewed on every ``every``-th step and kept in between.
    """

    name: ClassVar[str]
    needs: ClassVar[Needs]
    about_weights: str = ""
    space: Space = "parameters"
    every: int = 1
    looks_back: bool = False

    @abstractmethod
    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) float64 factors of the objectives.

        Args:
            losses: (K,) values of the objectives, without gradient.
            gram: (K, K) float64 plain inner products of their gradients, for balancers that need them.
        """

    def on_device(self, objectives: int) -> bool:
        """Whether :meth:`weights` of so many objectives stays on their device and depends on its arguments alone.

        Then a recorded step may hold it, which repeats what was done on the device and asks nobody again.
        """
        return False

    def look_back(self, losses: Tensor) -> None:  # noqa: B027  nor do most look back
        """What became of the objectives of the last step, for balancers that learn from it.

        Args:
            losses: (K,) values on the same batch with the same random numbers, under the parameters after the step; the
                same in all processes.
        """

    def begin_epoch(self, epoch: int) -> None:  # noqa: B027  most balancers do not care
        """Called at the start of every epoch, which counts from 0.

        The random state of PyTorch is then the same in all processes and depends on seed and epoch alone: a balancer
        that draws numbers takes its seed here, so that processes agree and a resumed epoch repeats.
        """

    def state_dict(self) -> dict[str, Any]:
        """What the balancer has learnt or seen so far: plain values and tensors, nothing by default."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:  # noqa: B027
        """Go on where :meth:`state_dict` was taken."""
