"""Aligned-MTL: the mean of gradients made orthogonal and equally long."""

from __future__ import annotations

import numpy as np

from crossspace.balance.gram import GramBalancer


class AlignedMTL(GramBalancer):
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

    def _rule(self, gram: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(gram)
        there = values > values[-1] * len(gram) * np.finfo(np.float64).eps
        values, vectors = values[there], vectors[:, there]
        return vectors @ (vectors.mean(axis=0) * np.sqrt(values[0] / values))
