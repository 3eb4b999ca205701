"""Rows to padded blocks and back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.batching.layout import Layout
from crossspace.nn.ragged import from_blocks, map_blocks, reorder, to_blocks

LENGTHS = st.lists(st.integers(0, 12), max_size=12)


@given(LENGTHS)
@settings(max_examples=60)
def test_rows_come_back_as_they_went(lengths: list[int]) -> None:
    layout = Layout(lengths)
    rows = torch.randn(sum(lengths), 3)
    if layout.blocks:
        assert torch.equal(from_blocks(to_blocks(rows, layout), layout), rows)


@given(LENGTHS)
@settings(max_examples=60)
def test_every_conversation_stands_in_one_block_in_order_and_padding_is_zero(lengths: list[int]) -> None:
    layout = Layout(lengths)
    rows = torch.arange(1.0, sum(lengths) + 1).unsqueeze(1)
    found = []
    for block, padded in zip(layout.blocks, to_blocks(rows, layout), strict=True):
        assert (padded[~block.valid] == 0).all()
        assert block.full == bool(block.valid.all())
        found += [padded[i, block.valid[i], 0].tolist() for i in range(len(padded))]
    expected = [part[:, 0].tolist() for part in rows.split(lengths) if len(part)]
    assert sorted(found) == sorted(expected)


@given(LENGTHS)
@settings(max_examples=60)
def test_positions_and_conversations_count_from_zero(lengths: list[int]) -> None:
    layout = Layout(lengths)
    assert layout.positions.tolist() == [t for n in lengths for t in range(n)]
    assert layout.conversations.tolist() == [c for c, n in enumerate(lengths) for _ in range(n)]
    assert len(layout) == sum(lengths)


@given(LENGTHS.filter(sum))
@settings(max_examples=40)
def test_less_than_a_third_of_the_places_is_padding(lengths: list[int]) -> None:
    places = sum(block.rows.numel() for block in Layout(lengths).blocks)
    assert sum(lengths) >= 0.7 * places


@pytest.mark.parametrize("lengths", [(3, 1, 2), (1,), (4, 4), (0, 2, 0, 1)])
def test_gradient_through_the_blocks_is_exact(lengths: tuple[int, ...]) -> None:
    layout = Layout(lengths)
    rows = torch.randn(sum(lengths), 2, dtype=torch.float64, requires_grad=True)

    def forth(x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return tuple(to_blocks(x, layout))

    def square(x: torch.Tensor) -> torch.Tensor:
        return map_blocks(lambda block, part: part.square() * part.sum(1, keepdim=True), layout, x)

    assert torch.autograd.gradcheck(forth, rows)
    assert torch.autograd.gradcheck(square, rows)


def test_what_a_function_writes_into_the_padding_is_left_behind() -> None:
    layout, rows = Layout([5, 4]), torch.randn(9, 2, requires_grad=True)

    def spoil(block: object, part: torch.Tensor) -> torch.Tensor:
        return torch.where(block.valid.unsqueeze(2), part, float("nan"))

    out = map_blocks(spoil, layout, rows)
    assert torch.equal(out, rows)
    out.sum().backward()
    assert (rows.grad == 1).all()


@given(LENGTHS)
@settings(max_examples=60)
def test_a_walk_reads_the_running_conversations_step_by_step_in_either_direction(lengths: list[int]) -> None:
    layout = Layout(lengths)
    starts = [sum(lengths[:c]) for c in range(len(lengths))]
    longest_first = sorted(range(len(lengths)), key=lambda c: -lengths[c])
    for walk, backward in ((layout.forward_walk, False), (layout.backward_walk, True)):
        steps = [part.tolist() for part in walk.rows.split(walk.sizes)] if walk.sizes else []
        running = [[c for c in longest_first if lengths[c] > t] for t in range(max(lengths, default=0))]
        assert steps == [
            [starts[c] + (lengths[c] - 1 - t if backward else t) for c in here] for t, here in enumerate(running)
        ]


def test_reordered_rows_come_back_and_so_does_their_gradient() -> None:
    walk = Layout((3, 1, 0, 4)).backward_walk
    rows = torch.randn(8, 2, dtype=torch.float64, requires_grad=True)
    there = reorder(rows, walk.rows, walk.places)
    assert torch.equal(there, rows[walk.rows])
    assert torch.equal(reorder(there, walk.places, walk.rows), rows)
    assert torch.autograd.gradcheck(lambda x: reorder(x, walk.rows, walk.places), rows)
