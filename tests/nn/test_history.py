"""Windows of the past against the loop that defines them, and in pieces against the whole."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.batching.layout import Layout
from crossspace.batching.memory import Memory
from crossspace.nn.history import History, history, past_windows


def by_hand(rows: torch.Tensor, speakers: torch.Tensor, lengths: list[int], size: int) -> History:
    window = torch.zeros(len(rows), size, rows.shape[1])
    own, others = torch.zeros(len(rows), size, dtype=torch.bool), torch.zeros(len(rows), size, dtype=torch.bool)
    start = 0
    for length in lengths:
        for i in range(start, start + length):
            for back in range(1, min(size, i - start) + 1):
                window[i, size - back] = rows[i - back]
                same = speakers[i - back] == speakers[i]
                own[i, size - back], others[i, size - back] = same, ~same
        start += length
    return History(window, own, others)


@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 6))
@settings(deadline=None, max_examples=60)
def test_a_window_holds_the_newest_of_the_past_told_apart_by_speaker(lengths: list[int], size: int) -> None:
    rows, speakers = torch.randn(sum(lengths), 2), torch.randint(0, 3, (sum(lengths),))
    result, expected = history(rows, speakers, Layout(lengths), size), by_hand(rows, speakers, lengths, size)
    for name in ("rows", "own", "others"):
        assert torch.equal(getattr(result, name), getattr(expected, name)), name


@pytest.mark.parametrize("pieces", [(1,) * 11, (4, 1, 6), (11,)])
@pytest.mark.parametrize("size", [1, 3, 20])
def test_a_conversation_in_pieces_has_the_windows_of_the_whole(pieces: tuple[int, ...], size: int) -> None:
    rows, speakers = torch.randn(2, 11, 3), torch.randint(0, 2, (2, 11))
    whole = history(rows.flatten(0, 1), speakers.flatten(), Layout((11, 11)), size)
    memory, start, parts = Memory(), 0, []
    for piece in pieces:
        layout, here = Layout((piece, piece), memory=memory), slice(start, start + piece)
        parts.append(history(rows[:, here].flatten(0, 1), speakers[:, here].flatten(), layout, size, owner="a"))
        start, memory.seen = start + piece, start + piece
    for name in ("rows", "own", "others"):
        joined = torch.cat([getattr(part, name).unflatten(0, (2, -1)) for part in parts], dim=1).flatten(0, 1)
        assert torch.equal(joined, getattr(whole, name)), name


def test_the_gradient_of_a_window_counts_every_slot_a_row_stands_in() -> None:
    rows = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: past_windows(x, Layout((4, 2)), 3), rows)
    past_windows(rows, Layout((4, 2)), 2).sum().backward()
    assert rows.grad is not None and rows.grad[:, 0].tolist() == [2, 2, 1, 0, 1, 0]
