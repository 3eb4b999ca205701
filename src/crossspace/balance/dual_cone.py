"""Projection on the cone of directions that conflict with no gradient, as a small quadratic program solved exactly."""

from __future__ import annotations

import numpy as np

from crossspace.balance.least_squares import cosines_of, nearest_combination, root_of


def project_on_dual_cone(mixtures: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """For each mixture u of the gradients, the mixture v whose step is the nearest that conflicts with no gradient.

    With the gradients as rows of G, the projection of ``G^T u`` on ``{x: G x >= 0}`` is ``G^T v`` for the v that
    minimises ``v^T G G^T v`` subject to ``v >= u`` (Quinton and Rey 2024, proposition 1). In z = v - u and with a root
    ``A^T A = G G^T`` this is ``min |A z + A u|`` over z >= 0.

    Args:
        mixtures: (R, K) weights of the vectors to project.
        gram: (K, K) inner products of the gradients, none of them zero.

    Returns:
        (R, K) weights of the projections; a mixture that conflicts with nothing stays as it is.
    """
    cosines, norms = cosines_of(gram)
    root = root_of(cosines)
    projections = mixtures.copy()
    # Few and small, so one after the other: a mixture per objective at the most.
    for index in np.flatnonzero((mixtures @ gram).min(axis=1) < 0):
        projections[index] += nearest_combination(root, -root @ (norms * mixtures[index])) / norms
    return projections
