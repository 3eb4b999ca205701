"""The small quadratic programs of balancers, as non-negative least squares, which end at the exact solution."""

from __future__ import annotations

import numpy as np
import scipy.optimize

_INDEPENDENT = 1e-6
"""Unit vectors whose cosines have no eigenvalue below this have one solution, which is found without more ado."""

_RIDGE = np.sqrt(1e-13)
"""Among several solutions that are equally good it leads to the shortest."""

_PARALLEL = 1e-9
"""A singular value over the largest that rounding leaves of 0; those of :func:`root_of` are 0 or at least 1e-7."""

_NOTHING = 1e-14
"""An eigenvalue of cosines, of which the largest is at least 1, that rounding leaves of 0."""


def cosines_of(gram: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(K, K) cosines within -1 and 1, and (K,) lengths of the vectors with these inner products, none of them zero.

    Programs on cosines are as exact for a vector of length 1e-9 beside one of length 1 as for two of length 1.
    """
    norms = np.sqrt(gram.diagonal())
    return np.clip(gram / norms / norms[:, None], -1.0, 1.0), norms


def root_of(cosines: np.ndarray) -> np.ndarray:
    """(K, K) A with ``A^T A`` the given matrix: its columns are unit vectors with these inner products.

    Its rows are orthogonal, the shortest first; its length squared is the least eigenvalue of the matrix.
    """
    # No Cholesky factor: parallel vectors make the matrix singular.
    values, vectors = np.linalg.eigh(cosines)
    # What rounding leaves of an eigenvalue of 0 would outdo the ridge, which is to decide there.
    return np.sqrt(np.where(values > _NOTHING, values, 0.0))[:, None] * vectors.T


def nearest_combination(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(K,) x >= 0 that minimises ``|A x - b|``, by the active-set method of Lawson and Hanson (1974).

    Of several solutions, the shortest: where columns are nearly dependent, the problem with a ridge says which entries
    are above zero; then these are solved for without it.

    Args:
        columns: (R, K) A, of which the first row is the shortest of :func:`root_of`.
        target: (R,) b.
    """
    count = columns.shape[1]
    if columns[0] @ columns[0] > _INDEPENDENT:
        return scipy.optimize.nnls(columns, target, maxiter=100 * count)[0]
    system = np.concatenate([columns, _RIDGE * np.eye(count)])
    padded = np.concatenate([target, np.zeros(count)])
    solution = scipy.optimize.nnls(system, padded, maxiter=100 * count)[0]
    support = solution > 0
    if support.any():
        exact = np.linalg.lstsq(columns[:, support], target, rcond=_PARALLEL)[0]
        if exact.min() > 0:
            solution[support] = exact
    return solution


def shortest_combination(columns: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """(K,) x >= 0, up to a positive factor, that minimises ``|A x|`` among those with ``gains . x = 1``.

    It solves ``min |A x|^2 + (gains . x - 1)^2``: for x = s y with ``gains . y = 1`` the best s leaves q / (1 + q),
    which grows with q = |A y|^2. All zero where no gain is positive.

    Args:
        columns: (K, K) A, of :func:`root_of`.
        gains: (K,) the largest about 1.
    """
    target = np.zeros(len(columns) + 1)
    target[-1] = 1.0
    return nearest_combination(np.concatenate([columns, gains[None]]), target)
