"""IMTL-G: a step with equal projections on all gradients."""

from __future__ import annotations

import numpy as np

from crossspace.balance.gram import GramBalancer
from crossspace.balance.least_squares import cosines_of

_PRECISION = float(np.finfo(np.float64).eps)


class IMTLG(GramBalancer):
    """Impartial learning, gradient part (Liu et al. 2021): a step with equal projections on all gradients.

    Weights are proportional to ``M^+ n``, n the lengths of the gradients and M^+ the pseudo-inverse of the Gram matrix,
    and sum to 1; some may be negative.

    Cost: one backward pass per objective; a K x K system of equations.

    Args:
        space: ``parameters`` compares gradients over the shared parameters; ``representation`` over the shared
            representation.
        every: renew the weights on every ``every``-th step only.

    Note:
        The pseudo-inverse extends the paper's rule to dependent gradients (Quinton and Rey 2024). Nearly dependent ones
        may get large weights of either sign; clip. All weights are 0 where they cannot be scaled to sum to 1.
    """

    name = "imtl-g"
    about_weights = "The weights sum to 1; some may be negative."

    def _rule(self, gram: np.ndarray) -> np.ndarray:
        cosines, norms = cosines_of(gram)
        values, vectors = np.linalg.eigh(cosines)
        if values[0] > len(gram) * _PRECISION * values[-1]:
            # M^-1 n, without losing a gradient to rounding that is merely much shorter than others.
            weights = vectors @ (vectors.sum(axis=0) / values) / norms
        else:
            weights = np.linalg.pinv(gram, rcond=len(gram) * _PRECISION, hermitian=True) @ norms
        total = weights.sum()
        return np.zeros(len(gram)) if abs(total) < 1e-12 else weights / total
