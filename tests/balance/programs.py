"""Gradients to weigh, of every kind, and slow solvers to weigh them against."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, combinations
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st

from crossspace.balance import Balancer

CASES = st.builds(
    lambda *case: drawn(*case), st.sampled_from([1, 2, 3, 5, 8]), st.sampled_from([2, 3, 6, 40]),
    st.integers(0, 10_000), st.sampled_from([0.0, 0.5, 4.0]),
    st.sampled_from(["any", "equal", "opposite", "dependent"]),
)  # fmt: skip
"""(K, D) gradients: more than dimensions and fewer, of like and unlike lengths, some with a special pair."""

PLAIN = st.builds(
    lambda count, seed: drawn(count, count + 3, seed, 0.3, "any"), st.integers(1, 6), st.integers(0, 9999)
)
"""Independent gradients of similar lengths, whose weights are well determined."""


def drawn(count: int, dimension: int, seed: int, spread: float, kind: str) -> np.ndarray:
    """(K, D) gradients whose lengths differ by up to ``10 ** spread`` either way."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(count, dimension)) + random.normal(size=dimension) * random.choice([0, 1])
    rows = rows * 10 ** random.uniform(-spread, spread, size=(count, 1))
    if count > 1 and kind == "equal":
        rows[-1] = rows[0]
    elif count > 1 and kind == "opposite":
        rows[-1] = -rows[0] * 10 ** random.uniform(-spread, spread)
    elif count > 2 and kind == "dependent":
        rows[-1] = rows[0] + random.normal() * rows[1]
    return rows


def weights_of(balancer: Balancer, rows: Any) -> np.ndarray:
    """(K,) what a balancer gives (K, D) gradients."""
    rows = np.asarray(rows, dtype=np.float64)
    return balancer.weights(torch.ones(len(rows)), torch.from_numpy(rows @ rows.T)).numpy()


def same_for_every_order(make: Callable[[], Balancer], rows: np.ndarray, seed: int, tolerance: float = 1e-7) -> None:
    """Assert that objectives in another order get their weights in that order."""
    order = np.random.default_rng(seed).permutation(len(rows))
    np.testing.assert_allclose(weights_of(make(), rows[order]), weights_of(make(), rows)[order], atol=tolerance)


def faces(count: int) -> chain[tuple[int, ...]]:
    """All sets of some of ``count`` numbers."""
    return chain.from_iterable(combinations(range(count), size) for size in range(1, count + 1))


def shortest_in_hull(rows: np.ndarray) -> float:
    """The length of the shortest vector in the hull: the best of the affine optima of all faces that are feasible."""
    best = np.inf
    for face in map(list, faces(len(rows))):
        part = rows[face]
        rest = np.linalg.lstsq((part[1:] - part[0]).T, -part[0], rcond=1e-12)[0] if len(face) > 1 else np.zeros(0)
        gamma = np.append(1 - rest.sum(), rest)
        if gamma.min() >= -1e-12:
            best = min(best, float(np.linalg.norm(gamma @ part)))
    return best
