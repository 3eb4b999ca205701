"""MGDA: the shortest vector in the hull of the gradients."""

from __future__ import annotations

import numpy as np

from crossspace.balance.gram import GramBalancer
from crossspace.balance.simplex import smallest_in_hull


class MGDA(GramBalancer):
    """Multiple-gradient descent (Désidéri 2012; Sener and Koltun 2018): the shortest vector in the gradients' hull.

    gamma = argmin of ``gamma^T M gamma`` on the simplex, M the Gram matrix. Short gradients dominate: this is PGM
    without scaling to unit length. The sum of the weights is 1.

    Cost: one backward pass per objective; a least-squares problem with K unknowns on the host.

    Args:
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation (MGDA-UB).
        every: renew the weights on every ``every``-th step only.

    Note:
        The solution is exact; the released code and others approach it by steps of Frank and Wolfe, which leave errors
        of a hundredth where three or more gradients have weight. Equal gradients share their weight equally.
    """

    name = "mgda"
    about_weights = "The weights sum to 1."

    def _rule(self, gram: np.ndarray) -> np.ndarray:
        return smallest_in_hull(gram)
