"""Graphs in blocks against dense graphs over whole batches."""

from __future__ import annotations

import math

import pytest
import torch

from crossspace.batching.layout import Layout
from crossspace.nn.graph import (
    angular_similarity,
    conversation_means,
    conversation_sums,
    cosine_of,
    degrees,
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


def dense(rows: torch.Tensor, layout: Layout, shown: torch.Tensor) -> torch.Tensor:
    """(N, N): MMGCN's similarity, written down edge by edge."""
    whole, conversations = torch.zeros(len(rows), len(rows), dtype=rows.dtype), layout.conversations.tolist()
    for i in range(len(rows)):
        for j in range(len(rows)):
            if conversations[i] == conversations[j] and shown[i] and shown[j]:
                cosine = torch.dot(rows[i], rows[j]) / rows[i].norm() / rows[j].norm()
                whole[i, j] = 1 - torch.arccos(0.99999 * cosine) / math.pi
    return whole


@pytest.mark.parametrize("hidden", [False, True])
def test_normalised_propagation_is_that_of_the_dense_graph(rows: torch.Tensor, layout: Layout, hidden: bool) -> None:
    shown = torch.ones(len(rows), dtype=torch.bool)
    shown[[1, 5]] = not hidden  # the second is a conversation of its own
    adjacency = angular_similarity(rows, layout, shown if hidden else None)
    scale = inverse_root(degrees(adjacency, layout))[:, None]
    result = scale * propagate(adjacency, scale * rows, layout)
    whole = dense(rows, layout, shown)
    degree = whole.sum(1)
    half = torch.where(degree > 0, degree.clamp(min=1e-9).rsqrt(), 0.0)
    assert torch.allclose(result, half[:, None] * (whole @ (half[:, None] * rows)), atol=1e-13)
    assert (result[~shown] == 0).all()


def test_a_row_is_as_similar_to_itself_as_parallel_rows_are(rows: torch.Tensor, layout: Layout) -> None:
    for block, similar in zip(layout.blocks, angular_similarity(rows, layout), strict=True):
        diagonal = similar.diagonal(dim1=1, dim2=2)[block.valid]
        assert torch.allclose(diagonal, torch.full_like(diagonal, 0.998577), atol=1e-6)
        assert (similar[~block.valid] == 0).all() and torch.equal(similar, similar.transpose(1, 2))


def test_similarity_has_a_finite_gradient_where_rows_are_equal_or_zero(layout: Layout) -> None:
    rows = torch.ones(sum(LENGTHS), 3, requires_grad=True)
    with torch.no_grad():
        rows[0] = 0
    sum(a.sum() for a in angular_similarity(rows, layout)).backward()
    assert rows.grad is not None and rows.grad.isfinite().all()


def test_cosines_across_modalities_are_those_of_the_rows(rows: torch.Tensor) -> None:
    other = rows.flip(0)
    expected = [float(torch.dot(a, b) / a.norm() / b.norm()) for a, b in zip(rows, other, strict=True)]
    assert cosine_of(rows, other).tolist() == pytest.approx(expected)


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
