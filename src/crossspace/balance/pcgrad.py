"""PCGrad: gradients without what conflicts with the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from crossspace.balance.base import Space
from crossspace.balance.gram import GramBalancer


class PCGrad(GramBalancer):
    """Gradient surgery (Yu et al. 2020): from each gradient, take what conflicts with the others; add them up.

    Gradient i visits the others in random order and loses its component along every g_j with which it then has a
    negative inner product. Without conflicts all weights are 1.

    Cost: one backward pass per objective; K^2 operations on the host.

    Args:
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation.
        every: renew the weights on every ``every``-th step only.

    Note:
        Orders come from a stream that PyTorch's random state starts anew in every epoch, the same in all processes.
    """

    name = "pcgrad"
    about_weights = "Each weight is at least 1, and 1 where no gradients conflict; the weights have no fixed sum."

    def __init__(self, space: Space = "parameters", every: int = 1) -> None:
        super().__init__(space, every)
        # A stream of its own: dropout draws from PyTorch's, differently in every process; the orders must not.
        self._stream: torch.Generator | None = None

    def begin_epoch(self, epoch: int) -> None:
        """Start the stream of random orders of this epoch."""
        self._stream = torch.Generator().manual_seed(int(torch.randint(2**62, ())))

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands."""
        return {"stream": None if self._stream is None else self._stream.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        stream: Tensor | None = state.get("stream")
        self._stream = None if stream is None else torch.Generator().set_state(stream)

    def _rule(self, gram: np.ndarray) -> np.ndarray:
        count = len(gram)
        products = gram.tolist()  # of numbers this few, Python's own are the fastest
        total = [0.0] * count
        for i in range(count):
            weights = [0.0] * count
            weights[i] = 1.0
            for j in torch.randperm(count, generator=self._stream).tolist():
                if j == i:
                    continue
                harm = sum(w * p for w, p in zip(weights, products[j], strict=True))
                if harm < 0.0:
                    weights[j] -= harm / products[j][j]
            total = [t + w for t, w in zip(total, weights, strict=True)]
        return np.array(total)
