"""The rules that cut validation conversations, or folds, out of the training conversations."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from crossspace.errors import UsageError

VALIDATION_FRACTION = 0.1
"""Part of the training conversations that becomes validation where a corpus brings none."""

_NEAR = 0.01
"""Chi-square below which label counts are as expected, whatever could still be exchanged."""


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
    # At least one, so that a small corpus can be validated at all; never all, so that something is left to train on.
    order = hash_order(train_ids, seed)
    count = min(max(1, round(fraction * len(order))), len(order) - 1) if fraction else 0
    return frozenset(order[: max(count, 0)])


def stratified_ids(
    counts: Mapping[str, Sequence[int]], fraction: float = VALIDATION_FRACTION, seed: int = 0
) -> frozenset[str]:
    """As many conversations as :func:`validation_ids` takes, with the labels of the whole.

    It begins with the conversations that :func:`validation_ids` takes. One after the other is exchanged for the one
    outside that brings the numbers of utterances of each label nearest to what they should be, as long as that lowers
    Pearson's chi-square of the numbers against their expectation. It weighs a label by its rarity, and keeps the number
    of utterances near its expectation as well. Nothing is drawn: the seed decides where it begins.

    Args:
        counts: ``{conversation id: utterances of each label}``, all of one length.
        fraction: part of the conversations.
        seed: of the order.

    Raises:
        UsageError: ``fraction`` is not in [0, 1).
    """
    order, size = hash_order(counts, seed), len(validation_ids(counts, fraction, seed))
    if not size:
        return frozenset()
    table = np.array([counts[name] for name in order], dtype=np.float64).reshape(len(order), -1)
    # A label that never occurs has an expectation of 0, by which chi-square would divide.
    table = table[:, table.sum(axis=0) > 0]
    if not table.size:
        return frozenset(order[:size])
    expected = table.sum(axis=0) * size / len(order)
    held = np.arange(len(order)) < size
    surplus = table[held].sum(axis=0) - expected
    distance, earlier = float((surplus**2 / expected).sum()), np.inf
    # Each exchange lowers the distance, so this ends: there are finitely many choices and none comes twice.
    while _NEAR < distance < earlier:
        earlier = distance
        for out in np.flatnonzero(held):
            # Exchanges beyond this would only follow the noise of small counts, at the cost of another pass.
            if distance <= _NEAR:
                break
            others = np.flatnonzero(~held)
            # Rounded, so that which of two equals comes first does not depend on how a machine adds.
            values = (((surplus - table[out] + table[others]) ** 2) / expected).sum(axis=1).round(9)
            best = int(values.argmin())
            if values[best] < round(distance, 9):
                surplus += table[others[best]] - table[out]
                held[out], held[others[best]], distance = False, True, float(values[best])
    return frozenset(name for name, inside in zip(order, held, strict=True) if inside)


def group_ids(groups: Mapping[str, str], fraction: float = VALIDATION_FRACTION, seed: int = 0) -> frozenset[str]:
    """Whole groups of conversations, of about ``fraction`` of the conversations together.

    Groups are gone through in :func:`hash_order` of their names, and one is taken when that brings the number of
    conversations nearer to ``fraction * n``; where none does, the smallest one. Never all groups are taken.

    Args:
        groups: ``{conversation id: its group}``.
        fraction: part of the conversations; 0 takes none.
        seed: of the order.

    Raises:
        UsageError: ``fraction`` is not in [0, 1), or there is only one group.
    """
    sizes = Counter(groups.values())
    wanted = fraction * len(groups)
    if not validation_ids(groups, fraction, seed):
        return frozenset()
    if len(sizes) < 2:
        raise UsageError(
            f"A cut by groups needs two groups or more. All {len(groups)} conversations are of one "
            f"({next(iter(sizes))!r}). Group them by something else, or use the rule 'hash' or 'stratified'."
        )
    order = hash_order(sizes, seed)
    taken: list[str] = []
    total = 0
    for name in order:
        # One group is always left, since train may not be empty.
        if len(taken) < len(sizes) - 1 and abs(total + sizes[name] - wanted) < abs(total - wanted):
            taken.append(name)
            total += sizes[name]
    taken = taken or [min(order, key=lambda name: sizes[name])]
    return frozenset(conversation for conversation, group in groups.items() if group in taken)


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


def stratified_folds(counts: Mapping[str, Sequence[int]], k: int, seed: int = 0) -> list[list[str]]:
    """Parts of the sizes of :func:`folds`, with the labels of the whole: one by :func:`stratified_ids` after the other.

    Raises:
        UsageError: ``k`` is below 2, or there are fewer conversations than parts.
    """
    sizes = [len(part) for part in folds(counts, k, seed)]
    rest, parts = dict(counts), []
    # Each part is chosen from what is left; the last one is the rest and needs no choice.
    for size in sizes[:-1]:
        part = sorted(stratified_ids(rest, size / len(rest), seed))
        parts.append(part)
        rest = {name: numbers for name, numbers in rest.items() if name not in part}
    return [*parts, sorted(rest)]


def group_folds(groups: Mapping[str, str], k: int, seed: int = 0) -> list[list[str]]:
    """Parts of whole groups: each group, the largest first, goes to the part with the fewest conversations so far.

    Raises:
        UsageError: ``k`` is below 2, or there are fewer groups than parts.
    """
    sizes = Counter(groups.values())
    if not 2 <= k <= len(sizes):
        raise UsageError(f"The number of folds should be from 2 to {len(sizes)}, the groups of the corpus. Found {k}.")
    parts: list[list[str]] = [[] for _ in range(k)]
    # The largest first evens the parts out; sorted is stable, so that equal sizes stay in the order of the hash.
    for group in sorted(hash_order(sizes, seed), key=lambda name: -sizes[name]):
        min(parts, key=len).extend(sorted(name for name, own in groups.items() if own == group))
    return parts
