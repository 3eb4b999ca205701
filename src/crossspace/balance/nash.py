"""Nash-MTL: the step on which the objectives would agree when they bargain."""

from __future__ import annotations

import numpy as np

from crossspace.balance.base import Space
from crossspace.balance.gram import GramBalancer
from crossspace.balance.least_squares import cosines_of
from crossspace.errors import UsageError

_RIDGE = 1e-6
"""Added to the diagonal of the cosines. Opposed gradients have no agreement; with it their weights are finite, at most
about 1000 over the length of the gradient."""

_MOST = 200
"""Newton steps; about ten are taken, a few dozen when gradients are opposed."""


class NashMTL(GramBalancer):
    """The Nash bargaining solution (Navon et al. 2022): alpha > 0 with ``M alpha = 1 / alpha``, M the Gram matrix.

    Every objective gains the same in proportion: ``alpha_k g_k . d = 1`` for the step ``d = sum alpha_k g_k``. It
    conflicts with none, does not depend on how objectives are scaled, and its length is the root of K whatever the
    lengths of the gradients, so that ``max_norm`` below that root is in effect the length of the step.

    Cost: one backward pass per objective and some Newton steps on a K x K matrix.

    Args:
        max_norm: the longest step; 0 leaves it as it is.
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation.
        every: renew the weights on every ``every``-th step only.

    Note:
        The released code, and TorchJD after it, approximates alpha by a sequence of convex programs that starts from
        the last alpha, on M over its norm, with a solver under the GPL. Here alpha is the minimum of the convex
        ``1/2 alpha^T M alpha - sum log alpha_k``, found to rounding by damped Newton steps: there is no state, and no
        optional library is needed. A ridge of 1e-6 on the cosines gives opposed gradients finite weights.
    """

    name = "nash-mtl"
    about_weights = "The weights are the larger the shorter the gradients are, and have no fixed sum."

    def __init__(self, max_norm: float = 1.0, space: Space = "parameters", every: int = 1) -> None:
        if not max_norm >= 0:
            raise UsageError(f"`max_norm` should be at least 0. Found {max_norm}.")
        super().__init__(space, every)
        self.max_norm = max_norm

    def _rule(self, gram: np.ndarray) -> np.ndarray:
        cosines, norms = cosines_of(gram)
        return _bargain(cosines) / norms * self._shortening(len(gram))

    def _unscaled(self, length: float) -> float:
        return 1.0 / length  # gradients twice as long, weights half as large: the step is the same

    def _shortening(self, count: int) -> float:
        return min(1.0, self.max_norm / count**0.5) if self.max_norm else 1.0


def _bargain(cosines: np.ndarray) -> np.ndarray:
    """The b > 0 that minimises ``1/2 b^T C b - sum log b``.

    The function is self-concordant: steps divided by one plus the Newton decrement never leave the positive numbers
    and always arrive.
    """
    # On cosines, so that the ridge is the same whatever the lengths of the gradients are.
    matrix = cosines + _RIDGE * np.eye(len(cosines))
    weights = np.ones(len(cosines))
    for _ in range(_MOST):
        slope = matrix @ weights - 1.0 / weights
        step = np.linalg.solve(matrix + np.diag(weights**-2.0), slope)
        # Rounding near the end may make it negative.
        decrement = max(float(slope @ step), 0.0) ** 0.5
        # Far away the step is shortened, which keeps every weight positive; near by full steps converge quadratically.
        weights = weights - step / (1.0 + decrement if decrement > 0.25 else 1.0)
        if decrement < 1e-7:  # the step just taken squared it
            break
    return weights
