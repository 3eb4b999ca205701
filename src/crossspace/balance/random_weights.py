"""Random weights at every step: what a balancer should be better than."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from crossspace.balance.base import Balancer


class RandomWeights(Balancer):
    """Random loss weighting (Lin et al. 2022, algorithm 2): ``softmax`` of K standard normal numbers, new at each step.

    A test of balancers more than one of them: it often does about as well. The sum of the weights is 1.

    Cost: that of fixed weights.

    Note:
        The numbers come from a stream that PyTorch's random state starts anew in every epoch, the same in all
        processes.
    """

    name = "random"
    needs = "losses"
    about_weights = "The weights are random at every step and sum to 1."

    def __init__(self) -> None:
        self._stream: torch.Generator | None = None

    def begin_epoch(self, epoch: int) -> None:
        """Start the stream of this epoch."""
        self._stream = torch.Generator().manual_seed(int(torch.randint(2**62, ())))

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) the next of the stream."""
        drawn = torch.randn(len(losses), dtype=torch.float64, generator=self._stream)
        return torch.softmax(drawn, 0).to(losses.device)

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands."""
        return {"stream": None if self._stream is None else self._stream.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        stream: Tensor | None = state.get("stream")
        self._stream = None if stream is None else torch.Generator().set_state(stream)
