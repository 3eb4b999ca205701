"""What was said before each utterance: a window of the conversation's past, told apart by who said it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from crossspace.batching.layout import Layout
from crossspace.nn.ragged import arrange, reorder


@dataclass(frozen=True, eq=False)
class History:
    """The last K utterances before each of N, the newest in the last slot, empty slots first.

    Attributes:
        rows: (N, K, d), zero in empty slots.
        own: (N, K) bool, slots of utterances by the speaker of the row itself.
        others: (N, K) bool, slots of utterances by anybody else.
    """

    rows: Tensor
    own: Tensor
    others: Tensor


def history(rows: Tensor, speakers: Tensor, layout: Layout, size: int, owner: Hashable = None) -> History:
    """The past of every row within its own conversation.

    Args:
        rows: (N, d). Project them first: a window holds every row ``size`` times. What needs the filled slots alone,
            such as a recurrence over them, asks :class:`Windows`.
        speakers: (N,) index of each speaker.
        layout: the conversations. With a memory the windows go on where the last pass ended.
        size: K, how many utterances a window holds.
        owner: under what the memory of the layout keeps the last K; no two calls of a pass share one.
    """
    windows = Windows(layout, size)
    own = windows.own(speakers, owner).unsqueeze(1)
    slots = windows.of(windows.line(rows, owner))
    return History(windows.by_row(slots), windows.by_row(own).squeeze(2), windows.by_row(~own).squeeze(2))


class Windows:
    """The last K utterances before each of N queries, the newest in the last slot, empty slots first.

    Only slots that are filled are listed: M of them, slot by slot from the oldest to the newest, and within a slot by
    query. Queries come in the order of their history, the longest first; those that fill a slot are then a prefix of
    those that fill the next, and a recurrence over the slots has no empty ones to skip.

    Args:
        layout: the conversations. With a memory the windows go on where the last pass ended.
        size: K, how many utterances a window holds.

    Attributes:
        order: (N,) the row of each query.
        back: (N,) the query of each row.
        sizes: how many queries fill each of the K slots, the oldest slot first.
        queries: (M,) whose slot it is, as a place in ``order``.
        sources: (M,) which of the rows of :meth:`line` fills it.
    """

    def __init__(self, layout: Layout, size: int) -> None:
        self.layout, self.size = layout, size
        self.before = min(layout.seen, size)
        lengths = torch.tensor(layout.lengths, dtype=torch.long)
        conversations = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
        rows = torch.arange(len(layout))
        positions = rows - (lengths.cumsum(0) - lengths)[conversations] + self.before
        past = positions.clamp(max=size)
        order = torch.argsort(past, descending=True, stable=True)
        slots = torch.arange(size).unsqueeze(1)
        slot, query = torch.nonzero(past[order] >= size - slots, as_tuple=True)
        newest = (rows + (conversations + 1) * self.before)[order][query]
        self.sizes = tuple(torch.bincount(slot, minlength=size).tolist())
        self.order, self.back = order.to(layout.device), torch.argsort(order).to(layout.device)
        self.queries, self.sources = query.to(layout.device), (newest - size + slot).to(layout.device)
        self._slot = slot

    @property
    def filled(self) -> int:
        """How many of the newest slots are filled for some query."""
        return sum(size > 0 for size in self.sizes)

    def line(self, rows: Tensor, owner: Hashable = None) -> Tensor:
        """(N, ...) rows, and before those of each conversation what the memory kept of it.

        Project rows first: what is kept is what is read again.

        Args:
            rows: (N, ...).
            owner: under what the memory of the layout keeps the last K; no two calls of a pass share one.
        """
        memory, batch = self.layout.memory, len(self.layout.lengths)
        if memory is None or not batch:
            return rows
        here = rows.unflatten(0, (batch, -1)) if len(rows) else rows.new_zeros(batch, 0, *rows.shape[1:])
        line = torch.cat([memory.kept[owner], here], dim=1) if owner in memory.kept else here
        memory.kept[owner] = line[:, max(line.shape[1] - self.size, 0) :]
        return line.flatten(0, 1)

    def own(self, speakers: Tensor, owner: Hashable = None) -> Tensor:
        """(N,) speakers of the rows to (M,) bool: whether the query's own speaker fills the slot."""
        said_by = self.line(speakers, (owner, "speakers"))[self.sources]
        return said_by == speakers[self.order][self.queries]

    def of(self, line: Tensor, columns: Tensor | None = None) -> Tensor:
        """What fills each slot: (T, d) of :meth:`line` to (M, d), or (T, c, d) of which ``columns`` (M,) chooses."""
        if columns is None:
            return _Taken.apply(line, self.sources, self.sizes)
        return _Taken.apply(line.flatten(0, 1), self.sources * line.shape[1] + columns, self.sizes)

    def by_query(self, slots: Tensor) -> Tensor:
        """(M, d) to (N, f, d) over the f newest slots, as many as any query fills; zero where a slot is empty."""
        places, slots_of_places = self._by_query
        return arrange(slots, slots_of_places, places).unflatten(0, (len(self.order), self.filled))

    def by_row(self, slots: Tensor) -> Tensor:
        """(M, d) to (N, K, d), in the order of the rows; zero where a slot is empty."""
        rows = reorder(self.by_query(slots), self.back, self.order)
        return torch.cat([rows.new_zeros(len(rows), self.size - self.filled, *rows.shape[2:]), rows], dim=1)

    def beside_nothing(self, slots: Tensor) -> Tensor:
        """(M, d) to (K + M, d): before the queries of each slot a row of zeros, as of one who has no history at all."""
        places, slots_of_places = self._beside_nothing
        return arrange(slots, slots_of_places, places)

    @cached_property
    def _by_query(self) -> tuple[Tensor, Tensor]:
        filled = self.filled
        places = self.queries.cpu() * filled + self._slot - (self.size - filled)
        return self._inverse(places, len(self.order) * filled)

    @cached_property
    def _beside_nothing(self) -> tuple[Tensor, Tensor]:
        count = len(self._slot)
        return self._inverse(torch.arange(count) + self._slot + 1, count + self.size)

    def _inverse(self, places: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The places of the slots, and the slot at each of ``count`` places, or M where there is none."""
        slots = torch.full((count,), len(places))
        slots[places] = torch.arange(len(places))
        return places.to(self.layout.device), slots.to(self.layout.device)


class _Taken(Function):
    """``rows[index]``; within each of the parts of ``index`` no row is taken twice.

    So the gradient adds part after part, in an order that does not depend on the device.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor, index: Tensor, sizes: tuple[int, ...]) -> Tensor:
        ctx.save_for_backward(index)
        ctx.sizes, ctx.count = sizes, len(rows)
        return rows.index_select(0, index)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (index,) = ctx.saved_tensors
        total = gradient.new_zeros(ctx.count, *gradient.shape[1:])
        for places, part in zip(index.split(ctx.sizes), gradient.split(ctx.sizes), strict=True):
            total.index_add_(0, places, part)
        return total, None, None
