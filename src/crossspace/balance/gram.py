"""What balancers share that reckon with the inner products of the gradients."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from crossspace.balance.base import Balancer, Space
from crossspace.balance.simplex import ZERO
from crossspace.errors import UsageError


class GramBalancer(Balancer):
    """A rule from the Gram matrix to weights, kept from scales and cases in which it would fail.

    The rule sees a matrix in float64 on the host whose mean diagonal entry is 1, so that thresholds within it do not
    depend on how far training has come. Around it the conventions of :func:`~crossspace.balance.pareto_weights` hold:

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
        # K x K numbers: small programs are solved faster here than launches take there.
        host = gram.detach().to("cpu", torch.float64)
        # Rounding may leave a product of a gradient with itself a little below 0.
        norms = host.diagonal().clamp(min=0.0).sqrt()
        alive = torch.nonzero(norms > ZERO * norms.max()).flatten()
        if not torch.isfinite(host).all():
            weights = torch.full_like(norms, torch.nan)
        elif not len(alive):
            weights = torch.full_like(norms, 1.0 / len(norms))
        else:
            largest = host.abs().max()  # first, lest squares of squares overflow
            scaled = host[alive][:, alive] / largest
            mean = scaled.diagonal().mean()
            solution = self._rule(scaled / mean) * self._unscaled(float(mean.sqrt()) * float(largest.sqrt()))
            weights = torch.zeros_like(norms).index_copy(0, alive, solution)
        return weights.to(gram.device)

    @abstractmethod
    def _rule(self, gram: Tensor) -> Tensor:
        """(K,) weights for a finite (K, K) float64 Gram matrix without zero gradients, mean diagonal entry 1."""

    def _unscaled(self, length: float) -> float:
        """What to multiply weights by when all gradients are ``length`` times those of the rule.

        1 for a rule whose step grows with the gradients, as nearly all do.
        """
        return 1.0
