"""The graph of all modalities in blocks against one dense matrix over the nodes of a batch."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from crossspace.batching.layout import Layout
from crossspace.nn.similarity_graph import angular, from_node_blocks, similarity_graph, to_node_blocks

LENGTHS = (5, 1, 0, 3, 4, 2)
COUNT, MODALITIES = sum(LENGTHS), 3


@pytest.fixture
def layout() -> Layout:
    return Layout(LENGTHS)


@pytest.fixture
def rows() -> Tensor:
    return torch.randn(COUNT, MODALITIES, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def dense(rows: Tensor, layout: Layout, present: Tensor) -> Tensor:
    """(N M, N M): normalised, edge by edge."""
    nodes = [(i, m) for i in range(COUNT) for m in range(MODALITIES)]
    whole, conversations = torch.zeros(len(nodes), len(nodes), dtype=rows.dtype), layout.conversations.tolist()
    for a, (i, m) in enumerate(nodes):
        for b, (j, n) in enumerate(nodes):
            joined = (m == n and conversations[i] == conversations[j]) or i == j
            if joined and present[i, m] and present[j, n]:
                cosine = torch.dot(rows[i, m], rows[j, n]) / rows[i, m].norm() / rows[j, n].norm()
                whole[a, b] = 1 - torch.arccos(0.99999 * cosine) / math.pi
    half = torch.where(whole.sum(1) > 0, whole.sum(1).clamp(min=1e-9).rsqrt(), 0.0)
    return half[:, None] * whole * half


def propagated(rows: Tensor, nodes: Tensor, layout: Layout, present: Tensor | None) -> Tensor:
    graph = similarity_graph(rows, layout, present)
    return from_node_blocks([g @ x for g, x in zip(graph, to_node_blocks(nodes, layout), strict=True)], layout)


@pytest.mark.parametrize("missing", [False, True])
def test_nodes_receive_what_a_dense_normalised_adjacency_gives_them(
    rows: Tensor, layout: Layout, missing: bool
) -> None:
    present = torch.ones(COUNT, MODALITIES, dtype=torch.bool)
    if missing:
        present[[0, 3, 5], [1, 0, 2]] = False
        present[8] = False
    nodes = torch.randn(COUNT, MODALITIES, 2, dtype=torch.float64)
    received = propagated(rows, nodes, layout, present if missing else None)
    expected = (dense(rows, layout, present) @ nodes.flatten(0, 1)).view_as(nodes)
    torch.testing.assert_close(received, expected, rtol=1e-12, atol=1e-12)
    assert (received[~present] == 0).all()


def test_gradients_reach_the_nodes_and_through_the_edges_the_rows(rows: Tensor, layout: Layout) -> None:
    nodes = torch.randn(COUNT, MODALITIES, 2, dtype=torch.float64, requires_grad=True)
    rows.requires_grad_()
    assert torch.autograd.gradcheck(lambda r, x: propagated(r, x, layout, None), (rows, nodes))


def test_what_stands_in_a_missing_row_reaches_nothing(rows: Tensor, layout: Layout) -> None:
    present = torch.ones(COUNT, MODALITIES, dtype=torch.bool)
    present[2, 1] = False
    nodes = torch.randn(COUNT, MODALITIES, 2, dtype=torch.float64)
    other, held = rows.clone(), nodes.clone()
    other[2, 1], held[2, 1] = 5.0, 7.0
    assert torch.equal(propagated(rows, nodes, layout, present), propagated(other, held, layout, present))


def test_no_utterance_has_no_graph() -> None:
    assert similarity_graph(torch.zeros(0, 3, 4), Layout(())) == []


def test_a_node_is_as_similar_to_itself_as_parallel_ones_are() -> None:
    assert float(angular(torch.ones((), dtype=torch.float64))) == pytest.approx(0.998577, abs=1e-6)
    # Two nodes that are parallel and alone: four equal entries, of which each row sums to two.
    (block,) = similarity_graph(torch.ones(2, 1, 3, dtype=torch.float64), Layout((2,)))
    torch.testing.assert_close(block.within, torch.full_like(block.within, 0.5))


def test_padding_is_similar_to_nothing_and_similarity_is_mutual(rows: Tensor, layout: Layout) -> None:
    for block, graph in zip(layout.blocks, similarity_graph(rows, layout), strict=True):
        within = graph.within.unflatten(0, (len(block.rows), MODALITIES))
        torch.testing.assert_close(within, within.transpose(2, 3), rtol=0, atol=1e-15)
        assert not within.transpose(1, 2)[~block.valid].any()


def test_gradients_are_finite_where_rows_are_equal_or_zero(layout: Layout) -> None:
    rows = torch.ones(COUNT, MODALITIES, 4, requires_grad=True)
    with torch.no_grad():
        rows[0] = 0
    propagated(rows, torch.randn(COUNT, MODALITIES, 2), layout, None).square().sum().backward()
    assert rows.grad is not None and rows.grad.isfinite().all()
