"""FAMO: all losses fall at about the same rate, without their gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.balance.learnt import Learnt
from crossspace.errors import UsageError

_LEAST = 1e-8
"""Added to losses under the logarithm, as in the released code; a negative one counts as 0."""


class FAMO(Balancer):
    """Fast adaptive multitask optimization (Liu et al. 2023): more weight for losses that fall more slowly.

    With ``z = softmax(xi)`` the weights are ``z_k / l_k`` over their sum (equation 8): the step lowers the logarithms
    of the losses, mixed by z. After it the losses of the same batch are measured again, and xi takes one step of Adam
    against ``J^T (log l before - log l after)``, J the derivative of z (equation 9): what fell the most loses weight.
    The xi begin at 0. The sum of the weights is 1.

    Cost: that of fixed weights and one more forward pass, without a graph.

    Args:
        learning_rate: of the xi.
        decay: weight decay of the xi, which draws z towards even shares.

    Note:
        The second measurement repeats the random numbers of the first, the same dropout, so that the difference is due
        to the step alone; the released code draws new ones. Losses are taken to be positive: of one that is not, the
        logarithm is that of 1e-8. Losses that are not finite leave xi and Adam as they were.
    """

    name = "famo"
    needs = "losses"
    looks_back = True
    about_weights = "The weights sum to 1; they are shares of the logarithms of the losses, divided by the losses."

    def __init__(self, learning_rate: float = 0.025, decay: float = 1e-3) -> None:
        if not learning_rate > 0:
            raise UsageError(f"`learning_rate` should be positive. Found {learning_rate}.")
        if not decay >= 0:
            raise UsageError(f"`decay` should be at least 0. Found {decay}.")
        self.learning_rate, self.decay = learning_rate, decay
        self._logits = Learnt(learning_rate, decay)
        self._before: Tensor | None = None

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) shares over losses, scaled to sum to 1."""
        self._before = _above_zero(losses)
        ratios = torch.softmax(self._logits.values(losses), 0) / self._before
        return ratios / ratios.sum()

    def look_back(self, losses: Tensor) -> None:
        """The xi learn from how far each loss fell."""
        if self._before is None:
            raise ValueError("FAMO should be asked for weights before it looks back on them. Found no losses before.")
        shares = torch.softmax(self._logits.values(losses), 0)
        fallen = self._before.log() - _above_zero(losses).log()
        self._logits.step(shares * (fallen - shares @ fallen), self._before + losses)
        self._before = None

    def state_dict(self) -> dict[str, Any]:
        """The xi and the state of their Adam, nothing before the first step."""
        return self._logits.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self._logits.load_state_dict(state)


def _above_zero(losses: Tensor) -> Tensor:
    return losses.detach().to(torch.float64).clamp(min=0.0) + _LEAST
