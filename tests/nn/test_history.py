"""Windows of the past against the loop that defines them, and in pieces against the whole."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from crossspace.batching.layout import Layout
from crossspace.batching.memory import Memory
from crossspace.nn.history import History, Windows, history


def by_hand(rows: Tensor, speakers: Tensor, lengths: list[int], size: int) -> History:
    window = torch.zeros(len(rows), size, rows.shape[1], dtype=rows.dtype)
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


def same(found: History, expected: History) -> None:
    for name in ("rows", "own", "others"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name


@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 6))
@settings(max_examples=60)
def test_a_window_holds_the_newest_of_the_past_told_apart_by_speaker(lengths: list[int], size: int) -> None:
    rows, speakers = torch.randn(sum(lengths), 2), torch.randint(0, 3, (sum(lengths),))
    same(history(rows, speakers, Layout(lengths), size), by_hand(rows, speakers, lengths, size))


@given(st.lists(st.integers(0, 9), max_size=5), st.integers(1, 6))
@settings(max_examples=30)
def test_those_who_fill_a_slot_are_a_prefix_of_those_who_fill_the_next(lengths: list[int], size: int) -> None:
    windows = Windows(Layout(lengths), size)
    assert list(windows.sizes) == sorted(windows.sizes) and len(windows.sizes) == size
    assert sum(windows.sizes) == len(windows.sources)
    for queries in windows.queries.split(windows.sizes):
        assert queries.tolist() == list(range(len(queries)))
    assert torch.equal(windows.order[windows.back], torch.arange(sum(lengths)))


@pytest.mark.parametrize("pieces", [(1,) * 11, (4, 1, 6), (11,), (0, 3, 0, 8)])
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
        found = [getattr(part, name) for part, piece in zip(parts, pieces, strict=True) if piece]
        joined = torch.cat([x.unflatten(0, (2, -1)) for x in found], dim=1).flatten(0, 1)
        assert torch.equal(joined, getattr(whole, name)), name


def test_of_several_columns_each_slot_takes_its_own() -> None:
    windows = Windows(Layout((4, 2)), 2)
    rows, columns = torch.arange(12).reshape(6, 2, 1), torch.arange(len(windows.sources)) % 2
    expected = [2 * source + column for source, column in zip(windows.sources.tolist(), columns.tolist(), strict=True)]
    assert windows.of(rows, columns).flatten().tolist() == expected


def test_before_the_queries_of_each_slot_stands_one_without_a_past() -> None:
    windows = Windows(Layout((3,)), 3)
    assert windows.sizes == (0, 1, 2)
    beside = windows.beside_nothing(torch.tensor([[1.0], [2.0], [3.0]]))
    assert beside.flatten().tolist() == [0, 0, 1, 0, 2, 3]


def test_the_gradient_of_a_window_counts_every_slot_a_row_stands_in() -> None:
    rows = torch.randn(6, 2, 2, dtype=torch.float64, requires_grad=True)
    windows = Windows(Layout((4, 2)), 3)
    columns = torch.arange(len(windows.sources)) % 2

    def arranged(x: Tensor) -> Tensor:
        slots = windows.of(x, columns)
        return torch.cat([windows.by_query(slots).flatten(0, 1), windows.beside_nothing(slots)])

    assert torch.autograd.gradcheck(arranged, rows)
    rows = torch.randn(6, 2, requires_grad=True)
    Windows(Layout((4, 2)), 2).of(rows).sum().backward()
    assert rows.grad is not None and rows.grad[:, 0].tolist() == [2, 2, 1, 0, 1, 0]
