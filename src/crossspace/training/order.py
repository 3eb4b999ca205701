"""Which conversations stand in which batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from crossspace.batching.batch import Batch
from crossspace.batching.collate import batch_of
from crossspace.data.corpus import Corpus
from crossspace.inference.infer import batches_of

_WINDOW = 64
"""Blocks whose conversations are mixed: some 16,000 to 32,000 utterances."""


def shuffled(count: int, batch_size: int, seed: int) -> Iterator[list[int]]:
    """Indices of ``count`` conversations in a random order, ``batch_size`` at a time; the last batch may be smaller."""
    # A generator of its own: the order depends on nothing that a model draws.
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(count, generator=generator).tolist()
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]


def in_blocks(blocks: Sequence[int], batch_size: int, seed: int) -> Iterator[list[int]]:
    """The same in an order that reads a corpus piece by piece: blocks are shuffled, and conversations within a window.

    A window holds the conversations of 64 blocks, so that no more of a corpus has to be at hand at a time. The order
    depends on the corpus and the seed alone, not on how many processes share the batches.

    Args:
        blocks: (B,) of every conversation, the number of the row group in which it stands.
        batch_size: conversations of a batch; the last one may be smaller.
        seed: of the order.
    """
    generator = torch.Generator().manual_seed(seed)
    numbers, members = np.unique(np.asarray(blocks), return_inverse=True)
    by_block = np.split(
        np.argsort(members, kind="stable"), np.cumsum(np.bincount(members, minlength=len(numbers)))[:-1]
    )
    waiting: list[int] = []
    mixed = torch.randperm(len(numbers), generator=generator).tolist()
    for start in range(0, len(mixed), _WINDOW):
        window = np.concatenate([by_block[block] for block in mixed[start : start + _WINDOW]])
        waiting += window[torch.randperm(len(window), generator=generator).numpy()].tolist()
        while len(waiting) >= batch_size:
            yield waiting[:batch_size]
            waiting = waiting[batch_size:]
    if waiting:
        yield waiting


def in_order(corpus: Corpus, split: str) -> Iterator[Batch]:
    """The conversations of a split one after the other, in batches of inference."""
    for indices in batches_of(corpus.lengths(split)):
        yield batch_of(corpus, split, indices)
