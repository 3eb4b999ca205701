"""Batches filled up to one of a few static shapes, as a recorded step needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Block, Layout
from crossspace.data.task import UNLABELLED


@dataclass(frozen=True)
class Bucket:
    """The shape to which a batch is filled up; many batches share one.

    Attributes:
        conversations: B, some of which may be empty.
        longest: T, places of each conversation.
        rows: N, of which the last ones may be filling.
    """

    conversations: int
    longest: int
    rows: int

    @classmethod
    def of(cls, lengths: Sequence[int]) -> Bucket:
        """The smallest that holds conversations of ``lengths``."""
        conversations = _rounded(len(lengths), least=8, parts=4)
        longest = _rounded(max(lengths, default=0), least=32, parts=2)
        # Linear layers cost by the row, attention alone by the place: rows are rounded more finely.
        rows = _rounded(sum(lengths), least=32, parts=16)
        return cls(conversations, longest, min(rows, conversations * longest))


def _rounded(count: int, least: int, parts: int) -> int:
    """Up to a multiple of ``least``, or of one of ``parts`` of the next power of two where that is more."""
    step = max(least, (1 << max(count - 1, 0).bit_length()) // parts)
    return max(1, -(-count // step)) * step


class LengthsError(RuntimeError):
    """Something asked for the lengths of conversations, which a filled batch does not know."""


class FilledLayout(Layout):
    """The arrangement of a filled batch in a single block, given by index tensors alone.

    Args:
        rows: (B, T) as of :class:`~crossspace.batching.layout.Block`.
        valid: (B, T) bool, likewise; a row that is at no valid place is filling.
        places: (N,) the place of every row, those of filling included.
        causal: as of any layout.
    """

    def __init__(self, rows: Tensor, valid: Tensor, places: Tensor, causal: bool = False) -> None:
        self._index = rows, valid, places
        self.device, self.memory, self.causal = rows.device, None, causal
        self._pairs, self._bands = {}, {}
        block = Block(rows, valid, False, torch.arange(len(rows), device=rows.device))
        # What is made of the lengths otherwise is there already.
        vars(self).update(blocks=(block,), places=places, positions=places % rows.shape[1])

    @property
    def lengths(self) -> tuple[int, ...]:  # type: ignore[override]
        """Not known.

        Raises:
            LengthsError: always.
        """
        raise LengthsError("The lengths of conversations were asked for in a batch that is filled up to a shape.")

    def __len__(self) -> int:
        return len(self.places)

    @property
    def longest(self) -> int:
        """Room for the longest conversation."""
        return int(self._index[0].shape[1])

    @cached_property
    def alone(self) -> FilledLayout:
        """The same rows, each a conversation of its own."""
        each = torch.arange(len(self), device=self.device)
        return FilledLayout(each[:, None], torch.ones_like(each[:, None], dtype=torch.bool), each)

    @cached_property
    def past(self) -> FilledLayout:
        """The same rows, of which each sees itself and those before it."""
        return FilledLayout(*self._index, causal=True)


class FilledBatch(Batch):
    """A batch whose tensors are written over: nothing is read from them while it is made, and its layout is given."""

    def __post_init__(self) -> None:
        """Look at nothing."""


class Filled:
    """The memory of the batches of one bucket: tensors that stay in place, and that every batch is copied into.

    Behind the utterances of a batch come rows of filling. They have no label and no modality, and stand where the block
    of the layout is padding, so that nothing looks at them and no conversation is theirs.

    Args:
        bucket: the shape.
        like: a batch of the same modalities, types and device.
    """

    def __init__(self, bucket: Bucket, like: Batch) -> None:
        self.bucket, device = bucket, like.labels.device
        rows, block = bucket.rows, (bucket.conversations, bucket.longest)
        self.features = {m: x.new_zeros(rows, *x.shape[1:]) for m, x in like.features.items()}
        self.present = {m: torch.zeros(rows, dtype=torch.bool, device=device) for m in like.present}
        self.speakers, self.labels = torch.zeros_like(like.speakers[:1]).repeat(rows), like.labels.new_zeros(rows)
        self.sentiments = None if like.sentiments is None else like.sentiments.new_zeros(rows)
        self.valid = torch.zeros(block, dtype=torch.bool, device=device)
        self.rows = torch.zeros(block, dtype=torch.long, device=device)
        self.places = torch.zeros(rows, dtype=torch.long, device=device)

    def take(self, batch: Batch) -> None:
        """Copy a batch of the bucket in, without waiting for the device."""
        for own, new, filling in self._pairs(batch):
            own[: len(new)].copy_(new)
            own[len(new) :].fill_(filling)
        for own, new in zip((self.valid, self.rows, self.places), _arranged(batch.lengths, self.bucket), strict=True):
            own.copy_(new.pin_memory() if own.is_cuda else new, non_blocking=True)

    def batch(self) -> Batch:
        """What was copied in, as a batch of which everything is in these tensors and in the bucket."""
        batch = FilledBatch(
            features=self.features,
            present=self.present,
            # How many there are is known, their lengths are not: a tensor whose values cannot be read.
            lengths=torch.empty(self.bucket.conversations, dtype=torch.long, device="meta"),
            speakers=self.speakers,
            labels=self.labels,
            # Of filling no modality is ever there, so that a mask is always needed.
            complete=frozenset(),
            sentiments=self.sentiments,
        )
        # Anew for every step: what a layout makes of its index tensors has to be made in the step.
        vars(batch)["layout"] = FilledLayout(self.rows, self.valid, self.places)
        return batch

    def _pairs(self, batch: Batch) -> list[tuple[Tensor, Tensor, int]]:
        """Own memory, what to copy there, and what filling is there."""
        pairs = [(self.features[m], x, 0) for m, x in batch.features.items()]
        pairs += [(self.present[m], x, 0) for m, x in batch.present.items()]
        pairs += [(self.speakers, batch.speakers, 0), (self.labels, batch.labels, UNLABELLED)]
        if self.sentiments is not None and batch.sentiments is not None:
            pairs.append((self.sentiments, batch.sentiments, UNLABELLED))
        return pairs


def _arranged(lengths: Tensor, bucket: Bucket) -> tuple[Tensor, Tensor, Tensor]:
    """Which places are utterances (B, T), the row at each place (B, T), and the place of each row (N,), on the host."""
    counts = torch.zeros(bucket.conversations, 1, dtype=torch.long)
    counts[: len(lengths), 0] = lengths
    valid = torch.arange(bucket.longest) < counts
    # Utterances stand in the order of their rows; rows of filling take the first places that are left.
    places = torch.argsort(~valid.flatten(), stable=True)[: bucket.rows]
    rows = torch.full((valid.numel(),), bucket.rows)
    rows[places] = torch.arange(bucket.rows)
    return valid, rows.view_as(valid), places
