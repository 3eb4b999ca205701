"""Which conversations stand in which batch."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from crossspace.batching.batch import Batch
from crossspace.batching.collate import batch_of
from crossspace.data.corpus import Corpus
from crossspace.inference.infer import batches_of


def shuffled(count: int, batch_size: int, seed: int) -> Iterator[list[int]]:
    """Indices of ``count`` conversations in a random order, ``batch_size`` at a time; the last batch may be smaller."""
    # A generator of its own: the order depends on nothing that a model draws.
    generator = torch.Generator().manual_seed(seed)
    order = torch.randperm(count, generator=generator).tolist()
    for start in range(0, count, batch_size):
        yield order[start : start + batch_size]


def in_order(corpus: Corpus, split: str) -> Iterator[Batch]:
    """The conversations of a split one after the other, in batches of inference."""
    for indices in batches_of(corpus.lengths(split)):
        yield batch_of(corpus, split, indices)
