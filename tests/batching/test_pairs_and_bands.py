"""Pairs and bands against the loops that define them."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.batching.layout import Layout

LENGTHS = st.lists(st.integers(0, 7), max_size=6)


def spans(lengths: list[int]) -> list[range]:
    ends = torch.tensor([0, *lengths]).cumsum(0).tolist()
    return [range(start, stop) for start, stop in pairwise(ends)]


@given(LENGTHS, st.none() | st.integers(1, 9))
@settings(max_examples=80)
def test_pairs_are_all_ordered_pairs_of_a_window_and_no_others(lengths: list[int], window: int | None) -> None:
    pairs = Layout(lengths).pairs(window)
    expected = []
    for span in spans(lengths):
        for start in range(0, len(span), window or max(1, len(span))):
            piece = span[start : start + (window or len(span))]
            expected += [(i, j) for i in piece for j in piece]
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == expected
    assert len(pairs) == len(expected)


def test_pairs_and_bands_are_made_once() -> None:
    layout = Layout((3, 2))
    assert layout.pairs(2) is layout.pairs(2) and layout.pairs(2) is not layout.pairs()
    assert layout.band(1, 0) is layout.band(1, 0) and layout.band(1, 0) is not layout.band()


def test_a_window_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least one utterance\. Found 0"):
        Layout((3,)).pairs(0)


@given(LENGTHS, st.none() | st.integers(0, 8), st.none() | st.integers(0, 8))
@settings(max_examples=80)
def test_a_band_reaches_so_far_back_and_ahead_and_never_beyond_its_conversation(
    lengths: list[int], past: int | None, future: int | None
) -> None:
    layout = Layout(lengths)
    reached = set()
    for block, band in zip(layout.blocks, layout.band(past, future), strict=True):
        for place, i, j in band.nonzero().tolist():
            reached.add((int(block.rows[place, i]), int(block.rows[place, j])))
    back, ahead = 99 if past is None else past, 99 if future is None else future
    expected = {(i, j) for span in spans(lengths) for i in span for j in span if -back <= j - i <= ahead}
    assert reached == expected
