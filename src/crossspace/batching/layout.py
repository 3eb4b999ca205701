"""Where every row of a ragged batch stands: which conversation, which position, which place in a padded block.

Rows are real utterances, one conversation after the other. Attention and recurrence need a rectangular block; they
ask :class:`Layout` for it. Conversations of similar length share a block, so that little of it is padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from crossspace.batching.memory import Memory
from crossspace.batching.pairs import Pairs, pairs_of

_LONGEST_TO_SHORTEST = 0.7
"""A conversation joins a block only when it is at least this fraction of the block's longest one."""


@dataclass(frozen=True, eq=False)
class Block:
    """Conversations of similar length, padded to the longest of them.

    Attributes:
        rows: (b, t) index of the batch row at each place; places of padding hold N, one past the last row.
        valid: (b, t) bool, True at real utterances.
        full: True when no place is padding.
        conversations: (b,) index of each conversation in the batch.
    """

    rows: Tensor
    valid: Tensor
    full: bool
    conversations: Tensor


@dataclass(frozen=True, eq=False)
class Walk:
    """All rows in the order in which a recurrence reads them: step by step, the longest conversation first.

    Conversations that have ended drop out at the end, so that those still running are a prefix that shrinks. The
    backward walk reads every conversation from its last row to its first.

    Attributes:
        rows: (N,) the row at each place of the walk.
        places: (N,) the place of each row; the inverse of ``rows``.
        sizes: how many conversations are running at each step.
    """

    rows: Tensor
    places: Tensor
    sizes: tuple[int, ...]


class Layout:
    """The arrangement of N rows in B conversations.

    Args:
        lengths: utterances of each conversation, in the order of the rows.
        device: where index tensors are kept.
        memory: of the earlier utterances of the same conversations, which must then be of equal lengths.
        causal: attention of a row reaches itself and the rows before it; otherwise the whole conversation.
    """

    def __init__(
        self,
        lengths: Sequence[int],
        device: torch.device | str = "cpu",
        memory: Memory | None = None,
        causal: bool = False,
    ) -> None:
        self.lengths = tuple(int(length) for length in lengths)
        self.device = torch.device(device)
        self.memory, self.causal = memory, causal
        self._pairs: dict[int | None, Pairs] = {}
        self._bands: dict[tuple[int | None, int | None], tuple[Tensor, ...]] = {}
        if memory is not None and len(set(self.lengths)) > 1:
            raise ValueError(f"Conversations with a memory go on by equal lengths. Found {self.lengths}.")

    def __len__(self) -> int:
        return sum(self.lengths)

    @cached_property
    def alone(self) -> Layout:
        """The same rows, each a conversation of its own."""
        return Layout((1,) * len(self), self.device)

    @cached_property
    def past(self) -> Layout:
        """The same rows, of which each sees itself and those before it."""
        return Layout(self.lengths, self.device, self.memory, causal=True)

    @property
    def seen(self) -> int:
        """How many utterances came before the first of each conversation."""
        return 0 if self.memory is None else self.memory.seen

    @property
    def longest(self) -> int:
        """Utterances of the longest conversation, those before included."""
        return self.seen + max(self.lengths, default=0)

    @cached_property
    def positions(self) -> Tensor:
        """(N,) position of every row in its conversation: 0, 1, 2, ..., or onward from those before."""
        steps = torch.cat([torch.arange(n) for n in self.lengths] or [torch.arange(0)])
        return (steps + self.seen).to(self.device)

    @cached_property
    def conversations(self) -> Tensor:
        """(N,) index of the conversation of every row."""
        counts = torch.tensor(self.lengths, dtype=torch.long)
        return torch.repeat_interleave(torch.arange(len(self.lengths)), counts).to(self.device)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The padded blocks that together hold every row once."""
        starts = torch.tensor((0, *self.lengths)).cumsum(0)[:-1]
        total, blocks = len(self), []
        for members in self._groups():
            longest = self.lengths[members[0]]
            steps = torch.arange(longest)
            counts = torch.tensor([self.lengths[i] for i in members]).unsqueeze(1)
            valid = steps < counts
            which = torch.tensor(members)
            rows = torch.where(valid, starts[which].unsqueeze(1) + steps, total)
            blocks.append(Block(rows.to(self.device), valid.to(self.device), bool(valid.all()), which.to(self.device)))
        return tuple(blocks)

    @cached_property
    def padded_rows(self) -> Tensor:
        """Row of every place of all blocks, one block after the other; padding holds N."""
        parts = [block.rows.reshape(-1) for block in self.blocks]
        return torch.cat(parts) if parts else torch.zeros(0, dtype=torch.long, device=self.device)

    @cached_property
    def places(self) -> Tensor:
        """(N,) the place of every row among the places of :attr:`padded_rows`."""
        places = torch.empty(len(self) + 1, dtype=torch.long, device=self.device)
        places[self.padded_rows] = torch.arange(len(self.padded_rows), device=self.device)
        return places[:-1]

    @cached_property
    def forward_walk(self) -> Walk:
        """The rows in the order of a recurrence from the first utterance to the last."""
        return self._walk(backward=False)

    @cached_property
    def backward_walk(self) -> Walk:
        """The rows in the order of a recurrence from the last utterance to the first."""
        return self._walk(backward=True)

    def pairs(self, window: int | None = None) -> Pairs:
        """Every ordered pair of rows of one conversation, made once.

        Args:
            window: cut conversations into consecutive windows of so many utterances, of which the last may be shorter,
                and pair within these only; none pairs within whole conversations.
        """
        if window is not None and window < 1:
            raise ValueError(f"A window holds at least one utterance. Found {window}.")
        if window not in self._pairs:
            self._pairs[window] = pairs_of(self.lengths, window, self.device)
        return self._pairs[window]

    def band(self, past: int | None = None, future: int | None = None) -> tuple[Tensor, ...]:
        """For each block (b, t, t) bool, made once: whether utterance i (second axis) reaches utterance j (third axis).

        Args:
            past: how many utterances back it reaches; none, to the first of the conversation.
            future: how many ahead; none, to the last.
        """
        if (past, future) not in self._bands:
            self._bands[past, future] = tuple(_band(block.valid, past, future) for block in self.blocks)
        return self._bands[past, future]

    def _walk(self, backward: bool) -> Walk:
        lengths = torch.tensor(self.lengths, dtype=torch.long)
        order = torch.argsort(lengths, descending=True, stable=True)
        starts, counts = (lengths.cumsum(0) - lengths)[order], lengths[order]
        steps = torch.arange(int(lengths.max()) if len(lengths) else 0).unsqueeze(1)
        running = steps < counts
        rows = (starts + (counts - 1 - steps if backward else steps))[running]
        return Walk(rows.to(self.device), torch.argsort(rows).to(self.device), tuple(running.sum(1).tolist()))

    def _groups(self) -> list[list[int]]:
        order = sorted((i for i, n in enumerate(self.lengths) if n), key=lambda i: -self.lengths[i])
        groups: list[list[int]] = []
        for i in order:
            if groups and self.lengths[i] >= _LONGEST_TO_SHORTEST * self.lengths[groups[-1][0]]:
                groups[-1].append(i)
            else:
                groups.append([i])
        return groups


def _band(valid: Tensor, past: int | None, future: int | None) -> Tensor:
    places = torch.arange(valid.shape[1], device=valid.device)
    ahead = places[None, :] - places[:, None]
    near = torch.ones_like(ahead, dtype=torch.bool)
    if past is not None:
        near &= ahead >= -past
    if future is not None:
        near &= ahead <= future
    return near & valid[:, :, None] & valid[:, None, :]
