"""The smallest vector in the convex hull of unit gradients: PGM's quadratic program, solved exactly."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from crossspace.balance.least_squares import cosines_of, root_of, shortest_combination

ZERO = 1e-12
"""A gradient shorter than this fraction of the longest one counts as zero."""

MERGE = 1e-6
"""Two directions whose cosine exceeds one minus this count as one direction."""


def pareto_weights(gram: Tensor) -> Tensor:
    """Weights gamma on the simplex that minimise ``|sum_k gamma_k g_k / |g_k||`` (paper, equations 14 and 15).

    Exact for any number of objectives: up to three in closed form, without branches and without leaving the device;
    more by non-negative least squares on the host.

    Args:
        gram: (K, K) plain inner products ``g_i . g_j``; it is scaled to cosines inside.

    Returns:
        (K,) float64 on the device of ``gram``, non-negative, sum 1.

    Note:
        Where the program has no single solution, or a discontinuous one, these rules hold:

        * an objective with a zero gradient (below ``ZERO`` times the longest) gets weight 0 and the rest is solved
          without it; when all are zero the weights are uniform. (The program would give the zero gradient all of the
          weight and training would stop.)
        * directions closer than ``MERGE`` count as one and share its weight equally.
        * opposite directions, or three at 120 degrees, get their weights although the combined gradient is zero.
        * anything not finite in ``gram`` gives weights that are not finite, so that the step can be refused.

        For unit gradients and K = 2 the solution is always (1/2, 1/2); for K = 3 none exceeds 1/2.
    """
    gram = gram.detach().to(torch.float64)
    if gram.ndim != 2 or gram.shape[0] != gram.shape[1] or not len(gram):
        raise ValueError(f"`gram` should be a square matrix with K >= 1 rows. Found shape {tuple(gram.shape)}.")
    norms = gram.diagonal().clamp(min=0.0).sqrt()
    active = (norms > ZERO * norms.max()).to(torch.float64)
    safe = torch.where(active > 0, norms, 1.0)
    cosines = (gram / safe.unsqueeze(0) / safe.unsqueeze(1)).clamp(-1.0, 1.0)
    finite = torch.where(torch.isfinite(gram).all(), 1.0, torch.nan).to(torch.float64)
    if len(gram) <= 2:
        weights = _even(active)
    elif len(gram) == 3:
        weights = torch.where(active.sum() == 3, _three(cosines), _even(active))
    else:
        weights = _many(cosines, active)
    return weights * finite


def smallest_in_hull(gram: np.ndarray) -> np.ndarray:
    """(K,) gamma on the simplex that minimises ``gamma^T M gamma``; of several the least norm.

    Args:
        gram: (K, K) M, inner products of vectors of any lengths but zero.
    """
    cosines, norms = cosines_of(gram)
    # In beta = n gamma, the columns are all of length 1, and the constraint reads sum beta / n = 1.
    gamma = shortest_combination(root_of(cosines), norms.min() / norms) / norms
    return gamma / gamma.sum()


def _even(active: Tensor) -> Tensor:
    count = active.sum()
    return torch.where(count > 0, active / count.clamp(min=1.0), 1.0 / len(active))


def _three(cosines: Tensor) -> Tensor:
    """Circumcentre of the triangle of the three unit gradients, or the middle of its longest side."""
    a, b, c = cosines[0, 1], cosines[0, 2], cosines[1, 2]
    slack = torch.stack([1 + c - a - b, 1 + b - a - c, 1 + a - b - c])
    opposite = torch.stack([1 - c, 1 - b, 1 - a])
    inside = opposite * slack.clamp(min=0.0)
    acute = inside / inside.sum().clamp(min=torch.finfo(torch.float64).tiny)
    obtuse = torch.where(torch.arange(3, device=slack.device) == slack.argmin(), 0.0, 0.5).to(torch.float64)
    weights = torch.where((slack > 0).all(), acute, obtuse)
    third = torch.eye(3, dtype=torch.float64, device=slack.device)
    same = opposite <= MERGE  # same[k]: the two others point the same way
    for k in range(3):
        weights = torch.where(same[k], 0.25 + 0.25 * third[k], weights)
    return torch.where(same.sum() > 1, torch.full_like(weights, 1 / 3), weights)


def _many(cosines: Tensor, active: Tensor) -> Tensor:
    matrix, alive = cosines.cpu().numpy(), active.cpu().numpy() > 0
    weights = np.full(len(matrix), 1.0 / len(matrix))
    if alive.any() and np.isfinite(matrix).all():
        weights = np.zeros(len(matrix))
        groups = _directions(matrix, np.flatnonzero(alive))
        heads = [group[0] for group in groups]
        shares = smallest_in_hull(matrix[np.ix_(heads, heads)])
        for group, weight in zip(groups, shares, strict=True):
            weights[group] = weight / len(group)
    return torch.from_numpy(weights).to(cosines.device)


def _directions(matrix: np.ndarray, alive: np.ndarray) -> list[list[int]]:
    groups: list[list[int]] = []
    for index in alive:
        near = [g for g in groups if any(1 - matrix[index, other] <= MERGE for other in g)]
        groups = [g for g in groups if g not in near] + [sorted({int(index), *(i for g in near for i in g)})]
    return sorted(groups)
