"""What was said before each utterance: a window of the conversation's past, told apart by who said it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import torch
from torch import Tensor

from crossspace.batching.layout import Block, Layout
from crossspace.nn.ragged import map_blocks


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
    """The past of every row within its own conversation (the windows of CMN and ICON).

    Args:
        rows: (N, d). Project them first: a window holds every row ``size`` times.
        speakers: (N,) index of each speaker.
        layout: the conversations. With a memory the windows go on where the last pass ended.
        size: K, how many utterances a window holds.
        owner: under what the memory of the layout keeps the last K; no two calls of a pass share one.
    """
    window = past_windows(rows, layout, size, owner=(owner, "rows"))
    said_by = past_windows(speakers + 1, layout, size, owner=(owner, "speakers"))  # 0 is left for empty slots
    own = said_by == (speakers + 1).unsqueeze(1)
    return History(window, own, (said_by > 0) & ~own)


def past_windows(rows: Tensor, layout: Layout, size: int, owner: Hashable = None) -> Tensor:
    """(N, ...) to (N, size, ...): the rows before each row, oldest first, zeros before the conversation began."""
    if not len(layout):
        return rows.new_zeros(0, size, *rows.shape[1:])
    memory, batch = layout.memory, len(layout.lengths)
    if memory is not None:
        start = rows.new_zeros(batch, size, *rows.shape[1:])
        kept = memory.kept.setdefault(owner, start)

    def one_block(block: Block, padded: Tensor) -> Tensor:
        if memory is None:
            before = padded.new_zeros(len(padded), size, *padded.shape[2:])
        else:
            before = kept[block.conversations]
        line = torch.cat([before, padded], dim=1)
        if memory is not None:
            kept[block.conversations] = line[:, line.shape[1] - size :]
        return line.unfold(1, size, 1)[:, : padded.shape[1]].movedim(-1, 2)

    return map_blocks(one_block, layout, rows)
