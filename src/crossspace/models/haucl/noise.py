"""Where the random numbers of HAUCL's generator come from."""

from __future__ import annotations

import torch
from torch import Tensor

STEPS = (0.6180339887498949, 0.41421356237309515)
"""Of two sequences that :func:`evenly` gives, which do not keep pace with each other."""


class Noise:
    """All that is drawn in training, by the generator of PyTorch."""

    def normal(self, like: Tensor) -> Tensor:
        """Standard normal numbers, for latents."""
        return torch.randn_like(like)

    def logistic(self, like: Tensor) -> Tensor:
        """The difference of two Gumbel variables, for the choice between two classes."""
        return torch.logit(torch.rand_like(like), eps=1e-7)

    def uniform(self, like: Tensor) -> Tensor:
        """Numbers of at least 0 and below 1, for the choice of pairs."""
        return torch.rand_like(like)


def evenly(places: Tensor, step: float) -> Tensor:
    """Numbers between 0 and 1 that the places 0, 1, 2, ... spread evenly, the same ones each time."""
    return torch.remainder((places + 1) * step, 1.0)
