"""The rule that cuts validation conversations, or folds, out of the training conversations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from crossspace.errors import UsageError

VALIDATION_FRACTION = 0.1
"""Part of the training conversations that becomes validation where a corpus brings none."""


def hash_order(conversation_ids: Iterable[str], seed: int = 0) -> list[str]:
    """The ids in the order of SHA-256 of ``"<seed>:<conversation id>"`` (UTF-8).

    The order depends on nothing but the seed and the ids: not on their order, the machine, or a library's version.
    """
    return sorted(set(conversation_ids), key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())


def validation_ids(train_ids: Iterable[str], fraction: float = VALIDATION_FRACTION, seed: int = 0) -> frozenset[str]:
    """The training conversations that become validation conversations.

    They are the first ``max(1, round(fraction * n))`` of n in :func:`hash_order`, but never all of them: of a single
    conversation, none. By default a tenth, with seed 0. ``fraction=0`` cuts none.

    Raises:
        UsageError: ``fraction`` is not in [0, 1).
    """
    if not 0 <= fraction < 1:
        raise UsageError(f"The validation fraction should be at least 0 and below 1. Found {fraction}.")
    order = hash_order(train_ids, seed)
    count = min(max(1, round(fraction * len(order))), len(order) - 1) if fraction else 0
    return frozenset(order[: max(count, 0)])


def folds(conversation_ids: Iterable[str], k: int, seed: int = 0) -> list[list[str]]:
    """Cut conversations into ``k`` parts for cross-validation; each is held out once.

    The ids, in :func:`hash_order`, are dealt out like cards, so the sizes of two parts differ by one at most.

    Raises:
        UsageError: ``k`` is below 2, or there are fewer conversations than parts.
    """
    order = hash_order(conversation_ids, seed)
    if not 2 <= k <= len(order):
        raise UsageError(f"The number of folds should be from 2 to {len(order)}, the conversations. Found {k}.")
    return [order[i::k] for i in range(k)]
