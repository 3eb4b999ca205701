"""Projection on the cone of directions that conflict with no gradient, as a small quadratic program solved exactly."""

from __future__ import annotations

import numpy as np
import scipy.optimize
import torch
from torch import Tensor

_RIDGE = 1e-13
"""Chooses the least change where several are equally good; far below what weights are read to."""


def project_on_dual_cone(mixtures: Tensor, gram: Tensor) -> Tensor:
    """For each mixture u of the gradients, the mixture v whose step is the nearest that conflicts with no gradient.

    With the gradients as rows of G, the projection of ``G^T u`` on ``{x: G x >= 0}`` is ``G^T v`` for the v that
    minimises ``v^T G G^T v`` subject to ``v >= u`` (Quinton and Rey 2024, proposition 1). In z = v - u and with a root
    ``A^T A = G G^T`` this is ``min |A z + A u|`` over z >= 0: non-negative least squares, whose active-set method ends
    at the exact solution.

    Args:
        mixtures: (..., K) weights of the vectors to project.
        gram: (K, K) inner products of the gradients, mean diagonal entry about 1.

    Returns:
        (..., K) weights of the projections.

    Note:
        TorchJD takes any such function as projector. Its own one adds 1e-4 to the diagonal of the matrix, so that the
        result conflicts a little, and calls a solver under the GPL.
    """
    values, vectors = np.linalg.eigh(gram.detach().cpu().numpy().astype(np.float64))
    # Rounding may leave an eigenvalue a little below 0. No Cholesky factor: parallel gradients make the matrix
    # singular.
    root = (vectors * np.sqrt(np.clip(values, 0.0, None))).T
    count = len(root)
    system = np.vstack([root, np.sqrt(_RIDGE) * np.eye(count)])
    rows = mixtures.detach().cpu().numpy().astype(np.float64).reshape(-1, count)
    # Few and small, so one after the other: a mixture per objective at the most.
    projections = [
        u + scipy.optimize.nnls(system, np.append(-root @ u, np.zeros(count)), maxiter=100 * count)[0] for u in rows
    ]
    return torch.from_numpy(np.stack(projections)).reshape(mixtures.shape).to(gram)
