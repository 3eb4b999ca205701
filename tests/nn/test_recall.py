"""Attention over the states so far, against the same with a tensor of all of them at every step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from crossspace.nn.growing import Growing
from crossspace.nn.recall import Recall

SIZES = (4, 4, 3, 3, 1)


class Plain:
    """Every state kept by itself."""

    def __init__(self) -> None:
        self.states: list[Tensor] = []

    def __call__(self, query: Tensor) -> Tensor | None:
        if not self.states:
            return None
        history = torch.stack([s[: len(query)] for s in self.states], 1)
        weights = torch.softmax((history @ query.unsqueeze(2)).squeeze(2), 1)
        return (weights.unsqueeze(2) * history).sum(1)

    def append(self, states: Tensor) -> None:
        self.states.append(states)


def walked(recall: Callable[[Tensor], Tensor | None], inputs: Sequence[Tensor], queries: Sequence[Tensor]) -> list:
    """The states of a small recurrence whose conversations end one after the other."""
    states = []
    for rows, query in zip(inputs, queries, strict=True):
        context = recall(query)
        state = torch.tanh(rows if context is None else rows + context)
        recall.append(state)  # type: ignore[attr-defined]
        states.append(state)
    return states


@pytest.fixture
def leaves() -> tuple[list[Tensor], list[Tensor]]:
    random = torch.Generator().manual_seed(0)
    inputs, queries = (
        [torch.randn(n, 5, generator=random, dtype=torch.float64).requires_grad_() for n in SIZES] for _ in range(2)
    )
    return inputs, queries


def close(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def gradients(loss: Tensor, leaves: tuple[list[Tensor], list[Tensor]], **arguments: bool) -> list[Tensor]:
    every = [*leaves[0], *leaves[1]]
    return list(torch.autograd.grad(loss, every, allow_unused=True, materialize_grads=True, **arguments))


@pytest.mark.parametrize("read", [[0, 1, 2, 3, 4], [4], [2], [0, 3]])
def test_states_and_gradients_are_those_of_a_plain_attention(leaves: tuple, read: list[int]) -> None:
    both = [walked(recall, *leaves) for recall in (Recall(Growing()), Plain())]
    close(*both)
    close(*(gradients(sum(states[i].square().sum() for i in read), leaves) for states in both))


def test_every_pass_through_a_retained_graph_begins_anew(leaves: tuple) -> None:
    ours, theirs = (walked(recall, *leaves) for recall in (Recall(Growing()), Plain()))
    for index in (4, 1, 3, 3):
        both = (gradients(states[index].sum(), leaves, retain_graph=True) for states in (ours, theirs))
        close(*both)


def test_a_pass_goes_on_where_the_one_before_ended_without_a_gradient_to_it() -> None:
    random = torch.Generator().manual_seed(0)
    inputs = [torch.randn(2, 5, generator=random, dtype=torch.float64).requires_grad_() for _ in range(5)]
    history, plain = Growing(), Plain()
    with torch.no_grad():
        first = walked(Recall(history), inputs[:3], inputs[:3])
    plain.states = list(first)
    both = [walked(recall, inputs[3:], inputs[3:]) for recall in (Recall(history), plain)]
    close(*both)
    assert history.length == 5
    close(*(torch.autograd.grad(sum(s.square().sum() for s in states), inputs[3:]) for states in both))


def test_states_are_kept_once_and_not_for_every_step() -> None:
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    steps, width = 40, 64
    inputs = [torch.randn(1, width, requires_grad=True) for _ in range(steps)]
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        walked(Recall(Growing()), inputs, inputs)
    assert sum(kept.values()) < 4 * (4 * steps * width + steps**2)
