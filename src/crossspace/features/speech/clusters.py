"""Voices told apart: windows of speech in as many groups as there are speakers."""

from __future__ import annotations

from typing import Any

import numpy as np

from crossspace.features.speech.transcribing import MOST_SPEAKERS

_MOST_AT_ONCE = 2000
"""Windows that are compared with each other; of more, that many are taken at regular distances."""
_ROUNDS = 5
_TRIES = 12
_LEAST_SHARE, _LEAST_WINDOWS = 0.02, 3
"""A voice found in less than this is taken for a part of another: a laugh, a cough, a shout."""


def centres(vectors: np.ndarray, count: int | None, same_voice: float) -> np.ndarray:
    """``(K, D)`` rows of length 1, the middle of each voice, the most frequent first.

    Windows are joined from the most similar on, by the mean cosine between groups; then each goes to the nearest
    middle, until nothing changes.

    Args:
        vectors: ``(N, D)`` rows of length 1, at least one.
        count: how many voices there are; found where it is not known.
        same_voice: mean cosine below which two groups are two voices, where the number is to be found.
    """
    few = vectors[np.unique(np.linspace(0, len(vectors) - 1, _MOST_AT_ONCE).astype(int))]
    groups, kept = _found(few, same_voice) if count is None else _asked(few, min(count, len(few)))
    middles = np.stack([_middle(few[groups == k]) for k in kept])
    for _ in range(_ROUNDS):
        nearest = (vectors @ middles.T).argmax(axis=1)
        # A voice that has lost all its windows stays where it was.
        renewed = [_middle(vectors[nearest == k]) if (nearest == k).any() else middles[k] for k in range(len(middles))]
        if np.allclose(renewed, middles):
            break
        middles = np.stack(renewed)
    return middles


def _found(vectors: np.ndarray, same_voice: float) -> tuple[np.ndarray, list[int]]:
    """``(N,)`` groups no two of which are one voice, and those of them that are heard enough, the largest first."""
    groups = _joined(vectors, distance_threshold=1.0 - same_voice)
    large = _large(groups)
    return groups, large[:MOST_SPEAKERS] or [int(np.argmax(np.bincount(groups)))]


def _asked(vectors: np.ndarray, count: int) -> tuple[np.ndarray, list[int]]:
    """The same with ``count`` that are heard enough.

    The last groups to be joined are often a few odd windows: groups are parted on until there are as many large ones,
    or until that seems vain.
    """
    for number in range(count, min(len(vectors), count + _TRIES) + 1):
        groups = _joined(vectors, n_clusters=number)
        if len(large := _large(groups)) >= count:
            return groups, large[:count]
    groups = _joined(vectors, n_clusters=count)
    return groups, np.argsort(-np.bincount(groups), kind="stable").tolist()


def _large(groups: np.ndarray) -> list[int]:
    sizes = np.bincount(groups)
    least = max(_LEAST_WINDOWS, _LEAST_SHARE * len(groups))
    return [int(k) for k in np.argsort(-sizes, kind="stable") if sizes[k] >= least]


def _joined(vectors: np.ndarray, **until: Any) -> np.ndarray:
    """``(N,)`` number of the group of each window, joined by the mean cosine between groups.

    Args:
        vectors: of the windows.
        **until: when joining ends, as scikit-learn calls it.
    """
    from sklearn.cluster import AgglomerativeClustering

    if len(vectors) < 2:
        return np.zeros(len(vectors), dtype=int)
    distances = np.clip(1.0 - vectors.astype(np.float64) @ vectors.T.astype(np.float64), 0.0, 2.0)
    joining = AgglomerativeClustering(**{"n_clusters": None, **until}, metric="precomputed", linkage="average")
    groups: np.ndarray = joining.fit_predict(distances)
    return groups


def _middle(vectors: np.ndarray) -> np.ndarray:
    mean = vectors.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
