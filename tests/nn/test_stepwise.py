"""A linear map of a recurrence against ``F.linear`` at every step: values, gradients, and passes that repeat."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from crossspace.nn import stepwise
from crossspace.nn.stepwise import Stepwise

Map = Callable[[Tensor], Tensor]
SIZES = (4, 4, 3, 1)


def plain(weight: Tensor, bias: Tensor | None) -> Map:
    return lambda rows: F.linear(rows, weight, bias)


def states(make: Callable[[Tensor, Tensor | None], Map], inputs: Sequence[Tensor], leaves: Sequence[Tensor]) -> list:
    """The states of a small recurrence whose conversations end one after the other."""
    weight, bias = leaves
    mapped, state, found = make(weight, bias), inputs[0].new_zeros(4, 5), []
    for rows in inputs:
        state = torch.tanh(rows + mapped(state[: len(rows)]))
        found.append(state)
    return found


@pytest.fixture(params=[2, 4096], ids=["many products", "one product"])
def leaves(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    monkeypatch.setattr(stepwise, "_ROWS", request.param)
    random = torch.Generator().manual_seed(0)
    shapes = ((5, 5), (5,))
    return [torch.randn(s, generator=random, dtype=torch.float64).requires_grad_() for s in shapes]


@pytest.fixture
def inputs() -> list[Tensor]:
    random = torch.Generator().manual_seed(1)
    return [torch.randn(n, 5, generator=random, dtype=torch.float64).requires_grad_() for n in SIZES]


def close(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> None:
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


def test_values_are_bit_by_bit_and_gradients_as_near_those_of_a_linear_map(
    leaves: list[Tensor], inputs: list[Tensor]
) -> None:
    found = []
    for make in (Stepwise, plain):
        steps = states(make, inputs, leaves)
        loss = sum(x.square().sum() for x in steps)
        found.append((steps, torch.autograd.grad(loss, [*leaves, *inputs])))
    assert all(torch.equal(a, b) for a, b in zip(found[0][0], found[1][0], strict=True))
    close(found[0][1], found[1][1])


def test_every_pass_through_one_graph_has_its_own_gradient(leaves: list[Tensor], inputs: list[Tensor]) -> None:
    """Passes that reach the middle only, ask for inputs alone, or come again leave nothing for the next."""
    found = []
    for make in (Stepwise, plain):
        steps = states(make, inputs, leaves)
        losses = [x.square().sum() for x in (steps[3], steps[1], steps[0] + steps[1])]
        asked = ([inputs[0]], leaves, [leaves[1]], [*leaves, *inputs[:2]])
        passes = [
            torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True)
            for loss in (*losses, losses[1])
            for wanted in asked
        ]
        found.append([g for gradients in passes for g in gradients if g is not None])
    assert len(found[0]) > 20
    close(*found)


def test_a_pass_through_a_graph_that_is_gone_is_refused(leaves: list[Tensor], inputs: list[Tensor]) -> None:
    loss = states(Stepwise, inputs, leaves)[3].sum()
    torch.autograd.grad(loss, leaves, retain_graph=True)
    torch.autograd.grad(loss, leaves)
    with pytest.raises(RuntimeError, match="through the graph a second time"):
        torch.autograd.grad(loss, leaves)


@pytest.mark.parametrize("trained", [(), (0,), (1,)])
def test_what_is_frozen_has_no_gradient_and_stops_none(
    leaves: list[Tensor], inputs: list[Tensor], trained: tuple[int, ...]
) -> None:
    found = []
    for make in (Stepwise, plain):
        here = [x.detach().requires_grad_(i in trained) for i, x in enumerate(leaves)]
        loss = states(make, inputs, here)[3].square().sum()
        found.append(torch.autograd.grad(loss, [*(here[i] for i in trained), *inputs]))
    close(*found)


def test_a_map_without_bias_of_rows_in_blocks_and_of_a_computed_weight(leaves: list[Tensor]) -> None:
    rows = torch.randn(3, 2, 5, dtype=torch.float64)
    found = []
    for make in (Stepwise, plain):
        mapped = make(leaves[0].t() * 2, None)
        steps = [mapped(rows), mapped(rows[:1] + 1)]
        found.append([*steps, *torch.autograd.grad(sum(x.square().sum() for x in steps), leaves[0])])
    close(*found)


def test_without_gradients_it_is_a_linear_map(leaves: list[Tensor], inputs: list[Tensor]) -> None:
    recorded = Stepwise(*leaves)
    with torch.no_grad():
        assert not Stepwise(*leaves)(inputs[0]).requires_grad
        recorded(inputs[0])
    loss = recorded(inputs[1]).sum()  # what was mapped without gradients breaks no chain
    close(torch.autograd.grad(loss, leaves), torch.autograd.grad(plain(*leaves)(inputs[1]).sum(), leaves))


def test_in_mixed_precision_it_multiplies_as_a_linear_map_does(leaves: list[Tensor], inputs: list[Tensor]) -> None:
    single = [x.detach().float().requires_grad_() for x in leaves]
    rows = [x.detach().float() for x in inputs]
    found = []
    for make in (Stepwise, plain):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            steps = states(make, rows, single)
            mapped = make(*single)(rows[0])
        assert mapped.dtype == torch.bfloat16
        found.append((steps, torch.autograd.grad(sum(x.float().sum() for x in steps), single)))
    assert all(torch.equal(a, b) for a, b in zip(found[0][0], found[1][0], strict=True))
    for ours, theirs in zip(found[0][1], found[1][1], strict=True):
        assert ours.dtype == torch.float32
        torch.testing.assert_close(ours, theirs, rtol=0.05, atol=0.05)


def test_the_weight_has_one_product_for_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[int, ...]] = []
    multiply = stepwise.linear
    monkeypatch.setattr(
        stepwise, "linear", lambda rows, *more: counted.append(tuple(rows.shape)) or multiply(rows, *more)
    )
    weight = torch.randn(7, 5, requires_grad=True)
    mapped = Stepwise(weight)
    loss = sum(mapped(torch.randn(3, 5)).sum() for _ in range(6))
    counted.clear()
    loss.backward()
    assert counted == [(7, 18)]
