"""Graphs in blocks against dense graphs over whole batches."""

from __future__ import annotations

import pytest
import torch

from crossspace.batching.layout import Layout
from crossspace.nn.graph import (
    conversation_means,
    conversation_sums,
    inverse_root,
    propagate,
    spread,
)

LENGTHS = (5, 1, 0, 3, 4, 2)


@pytest.fixture
def layout() -> Layout:
    return Layout(LENGTHS)


@pytest.fixture
def rows() -> torch.Tensor:
    return torch.randn(sum(LENGTHS), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_rows_receive_along_the_second_axis_of_the_adjacency_as_in_a_dense_graph(
    rows: torch.Tensor, layout: Layout
) -> None:
    adjacency = [torch.rand(band.shape, dtype=rows.dtype) * band for band in layout.band(past=2, future=1)]
    whole, places = torch.zeros(len(rows), len(rows), dtype=rows.dtype), layout.conversations
    for block, weights in zip(layout.blocks, adjacency, strict=True):
        for members, one in zip(block.rows, weights, strict=True):
            there = members[members < len(rows)]
            whole[there[:, None], there] = one[: len(there), : len(there)]
    assert not whole[places[:, None] != places].any()
    scale = inverse_root(whole.sum(1))[:, None]
    result = scale * propagate(adjacency, scale * rows, layout)
    assert torch.allclose(result, scale * (whole @ (scale * rows)), atol=1e-13)


def test_the_inverse_root_is_zero_where_nothing_is_received() -> None:
    degree = torch.tensor([4.0, 0.0, -1.0, 1e-30], dtype=torch.float64, requires_grad=True)
    root = inverse_root(degree)
    assert root.tolist() == pytest.approx([0.5, 0.0, 0.0, 1e15])
    root[:3].sum().backward()
    assert degree.grad is not None and degree.grad.tolist() == pytest.approx([-1 / 16, 0.0, 0.0, 0.0])


def test_hyperedge_means_weigh_their_rows_and_leave_out_those_of_weight_zero(
    rows: torch.Tensor, layout: Layout
) -> None:
    weights = torch.rand(len(rows), dtype=torch.float64)
    weights[[0, 5]] = 0
    means, start = conversation_means(rows, layout, weights), 0
    for length, mean in zip(LENGTHS, means, strict=True):
        part, weight = rows[start : start + length], weights[start : start + length, None]
        total = weight.sum()
        expected = (part * weight).sum(0) / total if total > 0 else torch.zeros(3, dtype=torch.float64)
        assert torch.allclose(mean, expected, atol=1e-14)
        start += length


def test_sums_and_spreading_are_each_others_transpose(rows: torch.Tensor, layout: Layout) -> None:
    values = torch.randn(len(LENGTHS), 3, dtype=torch.float64, requires_grad=True)
    rows.requires_grad_()
    inner = (conversation_sums(rows, layout) * values.detach()).sum()
    assert torch.allclose(inner, (rows * spread(values, layout)).sum())
    assert torch.autograd.gradcheck(lambda x: conversation_sums(x, layout), rows)
    assert torch.autograd.gradcheck(lambda x: spread(x, layout), values)
    assert torch.equal(spread(values, layout), values[layout.conversations])
