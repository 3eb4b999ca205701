"""What balancers share that reckon with the inner products of the gradients."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor

from crossspace.balance.base import Balancer, Space
from crossspace.balance.simplex import ZERO
from crossspace.errors import UsageError


class GramBalancer(Balancer):
    """A rule from the Gram matrix to weights, kept from scales and cases in which it would fail.

    The rule sees a NumPy matrix in float64 on the host whose mean diagonal entry is 1, so that thresholds within it do
    not depend on how far training has come. Around it the conventions of :func:`~crossspace.balance.pareto_weights`
    hold:

    * an objective with a zero gradient (below ``ZERO`` times the longest) gets weight 0 and the rest is solved without
      it; when all are zero the weights are uniform;
    * anything not finite in the matrix gives weights that are not finite, so that the step can be refused.

    Args:
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation.
        every: renew the weights on every ``every``-th step only.
    """

    needs = "gram"

    def __init__(self, space: Space = "parameters", every: int = 1) -> None:
        if space not in ("parameters", "representation"):
            raise UsageError(f"`space` should be 'parameters' or 'representation'. Found {space!r}.")
        if every < 1:
            raise UsageError(f"`every` should be at least 1. Found {every}.")
        self.space: Space = space
        self.every = every

    def weights(self, losses: Tensor, gram: Tensor | None = None) -> Tensor:
        """(K,) float64 weights on the device of ``gram``."""
        if gram is None:
            raise ValueError(f"{self.name!r} needs the Gram matrix of the objectives' gradients. Found none.")
        # K x K numbers: small programs are solved faster here than launches take there, and faster by NumPy, whose
        # calls cost a fraction of PyTorch's.
        host = gram.detach().to("cpu", torch.float64).numpy()
        return torch.from_numpy(self._guarded(host)).to(gram.device)

    def _guarded(self, gram: np.ndarray) -> np.ndarray:
        if not np.isfinite(gram).all():
            return np.full(len(gram), np.nan)
        # Rounding may leave a product of a gradient with itself a little below 0.
        squares = np.maximum(gram.diagonal(), 0.0)
        norms = np.sqrt(squares)
        alive = norms > ZERO * norms.max()
        if not alive.any():
            return np.full(len(gram), 1.0 / len(gram))
        if not alive.all():
            weights = np.zeros(len(gram))
            weights[alive] = self._guarded(gram[alive][:, alive])
            return weights
        mean = squares.mean()
        return self._rule(gram / mean) * self._unscaled(float(np.sqrt(mean)))

    @abstractmethod
    def _rule(self, gram: np.ndarray) -> np.ndarray:
        """(K,) weights for a finite (K, K) float64 Gram matrix without zero gradients, mean diagonal entry 1."""

    def _unscaled(self, length: float) -> float:
        """What to multiply weights by when all gradients are ``length`` times those of the rule.

        1 for a rule whose step grows with the gradients, as nearly all do.
        """
        return 1.0
