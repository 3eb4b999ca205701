"""Published balancers through the library TorchJD (Quinton and Rey), which the extra ``torchjd`` installs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from crossspace.balance.base import Space
from crossspace.balance.dual_cone import project_on_dual_cone
from crossspace.balance.gram import GramBalancer
from crossspace.errors import UsageError
from crossspace.runtime import optional_import

_EXTRA = "torchjd"

Weighting = Callable[[Tensor], Tensor]
"""From a Gram matrix to weights; what TorchJD calls by this name is one."""


class TorchJDBalancer(GramBalancer):
    """Weights that a Weighting of TorchJD gives.

    TorchJD is imported when a balancer is made, not before.

    Args:
        make: builds the Weighting from the module ``torchjd.aggregation``.
        space: as of :class:`~crossspace.balance.gram.GramBalancer`.
        every: likewise.

    Raises:
        MissingExtraError: the extra ``torchjd`` is not installed.
    """

    def __init__(self, make: Callable[[Any], Weighting], space: Space, every: int) -> None:
        super().__init__(space, every)
        self._weighting = make(optional_import("torchjd.aggregation", _EXTRA))

    def _rule(self, gram: Tensor) -> Tensor:
        return self._weighting(gram)


class MGDA(TorchJDBalancer):
    """Multiple-gradient descent (Désidéri 2012; Sener and Koltun 2018): the shortest vector in the gradients' hull.

    gamma = argmin of ``gamma^T M gamma`` on the simplex, M the Gram matrix. Short gradients dominate: this is PGM
    without scaling to unit length. The sum of the weights is 1.

    Cost: one backward pass per objective; up to ``max_iters`` steps of Frank and Wolfe on a K x K matrix.

    Args:
        epsilon: stop when a step moves by less than this fraction.
        max_iters: the most steps.
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation (MGDA-UB).
        every: renew the weights on every ``every``-th step only.

    Note:
        Frank and Wolfe approach the solution slowly when three or more gradients have weight; errors of a hundredth
        remain with the default. Of equal gradients one gets all of the weight.
    """

    name = "mgda"
    about_weights = "The weights sum to 1."

    def __init__(
        self, epsilon: float = 1e-3, max_iters: int = 100, space: Space = "parameters", every: int = 1
    ) -> None:
        if not epsilon > 0:
            raise UsageError(f"`epsilon` should be positive. Found {epsilon}.")
        if max_iters < 1:
            raise UsageError(f"`max_iters` should be at least 1. Found {max_iters}.")
        super().__init__(lambda library: library.MGDAWeighting(epsilon, max_iters), space, every)


class PCGrad(TorchJDBalancer):
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
        super().__init__(lambda library: partial(self._in_stream, library.PCGradWeighting()), space, every)
        self._stream: Tensor | None = None

    def begin_epoch(self, epoch: int) -> None:
        """Start the stream of random orders of this epoch."""
        seed = int(torch.randint(2**62, ()))
        self._stream = torch.Generator().manual_seed(seed).get_state()

    def state_dict(self) -> dict[str, Any]:
        """Where the stream stands."""
        return {"stream": self._stream}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken."""
        self._stream = state.get("stream")

    def _in_stream(self, weighting: Weighting, gram: Tensor) -> Tensor:
        """Dropout draws from PyTorch's random state too, differently in every process; the orders must not."""
        if self._stream is None:
            return weighting(gram)
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(self._stream)
            weights = weighting(gram)
            self._stream = torch.get_rng_state()
        return weights


class CAGrad(TorchJDBalancer):
    """Conflict-averse descent (Liu et al. 2021): near the mean gradient, the step that helps the worst-off most.

    d maximises ``min_k g_k . d`` within ``|d - g_0| <= c |g_0|``, g_0 the mean of the gradients. With c = 0 this is the
    mean, weights 1 / K.

    Cost: one backward pass per objective; a cone program on the host, milliseconds at every renewal.

    Args:
        c: how far the step may be from the mean, as a fraction of it; 0.4 to 0.5 in the paper.
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation.
        every: renew the weights on every ``every``-th step only.

    Note:
        All weights are 0 where a mixture of the gradients is shorter than 1e-4 of their length: no direction helps
        all. A program that the solver gives up on yields the mean. The released code also divides by 1 + c^2; neither
        TorchJD nor the paper does.
    """

    name = "cagrad"
    about_weights = (
        "The weights are one over the number of objectives where c is 0, else more for the worst-off; they "
        "have no fixed sum."
    )

    def __init__(self, c: float = 0.5, space: Space = "parameters", every: int = 1) -> None:
        if not c >= 0:
            raise UsageError(f"`c` should be at least 0. Found {c}.")
        failure = optional_import("cvxpy.error", _EXTRA).SolverError
        super().__init__(lambda library: partial(self._or_mean, library.CAGradWeighting(c), failure), space, every)

    @staticmethod
    def _or_mean(weighting: Weighting, failure: type[Exception], gram: Tensor) -> Tensor:
        try:
            return weighting(gram)
        except failure:
            return torch.full_like(gram[0], 1.0 / len(gram))


class IMTLG(TorchJDBalancer):
    """Impartial learning, gradient part (Liu et al. 2021): a step with equal projections on all gradients.

    Weights are proportional to ``M^+ n``, n the lengths of the gradients and M^+ the pseudo-inverse of the Gram matrix,
    and sum to 1; some may be negative.

    Cost: one backward pass per objective; a K x K pseudo-inverse.

    Args:
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation.
        every: renew the weights on every ``every``-th step only.

    Note:
        The pseudo-inverse extends the paper's rule to dependent gradients (TorchJD). Nearly dependent ones may get
        large weights of either sign; clip. All weights are 0 where they cannot be scaled to sum to 1.
    """

    name = "imtl-g"
    about_weights = "The weights sum to 1; some may be negative."

    def __init__(self, space: Space = "parameters", every: int = 1) -> None:
        super().__init__(lambda library: library.IMTLGWeighting(), space, every)


class AlignedMTL(TorchJDBalancer):
    """Independent component alignment (Senushkin et al. 2023): the mean of gradients made orthogonal and equally long.

    Weights are ``B 1/K`` with ``B = sqrt(s) V S^-1/2 V^T`` from the eigenvalues S > 0 and eigenvectors V of the Gram
    matrix, s the least of S.

    Cost: one backward pass per objective; the eigenvalues of a K x K matrix.

    Args:
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation.
        every: renew the weights on every ``every``-th step only.

    Note:
        The step is as long as the weakest component: it nearly vanishes where gradients are nearly dependent, and
        does not where they are exactly so, since zero eigenvalues are left out.
    """

    name = "aligned-mtl"
    about_weights = "The weights have no fixed sum; some may be negative."

    def __init__(self, space: Space = "parameters", every: int = 1) -> None:
        super().__init__(lambda library: library.AlignedMTLWeighting(), space, every)


class UPGrad(TorchJDBalancer):
    """Unconflicting projection (Quinton and Rey 2024): the mean of the gradients, each moved until it harms no other.

    Every gradient is projected on the cone of directions that have no negative inner product with any gradient. Without
    conflicts the weights are 1 / K.

    Cost: one backward pass per objective; K least-squares problems with K unknowns on the host.

    Args:
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation.
        every: renew the weights on every ``every``-th step only.

    Note:
        The projection is ours (:func:`~crossspace.balance.dual_cone.project_on_dual_cone`): exact, without the ridge
        of TorchJD's default and without its solver under the GPL.
    """

    name = "upgrad"
    about_weights = (
        "Each weight is at least one over the number of objectives, and that where no gradients conflict; "
        "the weights have no fixed sum."
    )

    def __init__(self, space: Space = "parameters", every: int = 1) -> None:
        super().__init__(lambda library: library.UPGradWeighting(projector=project_on_dual_cone), space, every)
