"""CAGrad: near the mean gradient, the step that helps the worst-off most."""

from __future__ import annotations

import numpy as np

from crossspace.balance.base import Space
from crossspace.balance.gram import GramBalancer
from crossspace.balance.least_squares import cosines_of, root_of, shortest_combination
from crossspace.balance.simplex import ZERO
from crossspace.errors import UsageError

_SHORT = 1e-4
"""A mixture shorter than this fraction of the gradients, root of the sum of squares, is no direction."""

_MOST = 100
"""Newton steps; about five are taken."""


class CAGrad(GramBalancer):
    """Conflict-averse descent (Liu et al. 2021): near the mean gradient, the step that helps the worst-off most.

    d maximises ``min_k g_k . d`` within ``|d - g_0| <= c |g_0|``, g_0 the mean of the gradients. With c = 0 this is the
    mean, weights 1 / K.

    Cost: one backward pass per objective; about five least-squares problems with K unknowns on the host.

    Args:
        c: how far the step may be from the mean, as a fraction of it; 0.4 to 0.5 in the paper.
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation.
        every: renew the weights on every ``every``-th step only.

    Note:
        The paper's dual (equation 5) is solved to rounding, where the released code runs SLSQP. All weights are 0 where
        the mean is zero or the mixture of gradients that the dual chooses is shorter than 1e-4 of their length: no
        direction helps all. The released code also divides by 1 + c^2; the paper does not.
    """

    name = "cagrad"
    about_weights = (
        "The weights are one over the number of objectives where c is 0, else more for the worst-off; they "
        "have no fixed sum."
    )

    def __init__(self, c: float = 0.5, space: Space = "parameters", every: int = 1) -> None:
        if not c >= 0:
            raise UsageError(f"`c` should be at least 0. Found {c}.")
        super().__init__(space, every)
        self.c = c

    def _rule(self, gram: np.ndarray) -> np.ndarray:
        count = len(gram)
        even = np.full(count, 1.0 / count)
        if self.c == 0:
            return even
        cosines, norms = cosines_of(gram)
        root = root_of(cosines)
        mixture = _worst_mixture(root, norms, self.c)
        mean, length = (_length(root @ (norms * w)) for w in (even, mixture))
        if mean < ZERO or length < _SHORT * count**0.5:
            return np.zeros(count)
        return even + self.c * mean / length * mixture


def _worst_mixture(root: np.ndarray, norms: np.ndarray, c: float) -> np.ndarray:
    """(K,) w on the simplex that minimises ``f(w) = g_w . g_0 + c |g_0| |g_w|``, g_w the gradients mixed by w.

    The minimum is the largest m for which some d with ``g_k . d >= m`` for all k is no farther than c |g_0| from g_0.
    The nearest such d is g_0 plus a multiple of g_w, w the w that minimises |g_w| in proportion to ``sum w_k
    (m - g_k . g_0)``; and f at this w is where Newton's method on the distance, a convex function of m, takes m next.
    From any w, m falls to the minimum, in a few steps.

    Args:
        root: (K, K) whose columns are the gradients scaled to unit length.
        norms: (K,) their lengths.
        c: the radius over ``|g_0|``.
    """
    best = mixture = np.full(len(norms), 1.0 / len(norms))
    mean = root @ (norms * mixture)
    radius = c * _length(mean)
    along = norms * (mean @ root)
    least = np.inf
    for _ in range(_MOST):
        gain, reach = along * mixture, radius * _length(root @ (norms * mixture))
        value, rounding = float(gain.sum()) + reach, 1e-15 * (float(np.abs(gain).sum()) + reach)
        if value > least + rounding:
            break  # some mixture is zero, the last but one: that was the minimum
        best, fallen, least = mixture, least - value, value
        gains = (value - along) / norms
        if fallen <= rounding or gains.max() <= 0:
            break
        mixture = shortest_combination(root, gains / np.abs(gains).max()) / norms
        mixture = mixture / mixture.sum()
    return best


def _length(vector: np.ndarray) -> float:
    return float(vector @ vector) ** 0.5
