"""Gates against PyTorch's cell and their formulas; gradients against differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from crossspace.nn.gates import reset_after, reset_before, updated


def drawn(*shapes: tuple[int, ...]) -> list[Tensor]:
    random = torch.Generator().manual_seed(0)
    return [torch.randn(s, generator=random, dtype=torch.float64).requires_grad_() for s in shapes]


def test_reset_after_the_map_is_the_cell_of_pytorch() -> None:
    torch.manual_seed(0)
    cell = torch.nn.GRUCell(4, 3).double()
    rows, state = drawn((5, 4), (5, 3))
    read = rows @ cell.weight_ih.t() + cell.bias_ih
    mapped = state @ cell.weight_hh.t() + cell.bias_hh
    torch.testing.assert_close(reset_after(read, mapped, state), cell(rows, state), rtol=1e-12, atol=1e-12)


def test_reset_before_the_map_is_its_formula() -> None:
    read, mapped, state, candidate = drawn((5, 6), (5, 6), (5, 3), (5, 3))
    gates = torch.sigmoid(read + mapped)
    kept, update = reset_before(read, mapped, state)
    torch.testing.assert_close(kept, gates[:, :3] * state)
    torch.testing.assert_close(update, gates[:, 3:])
    new = torch.tanh(read[:, :3] + candidate)
    expected = update * state + (1 - update) * new
    torch.testing.assert_close(updated(read[:, :3], candidate, update, state), expected)


@pytest.mark.parametrize(
    ("gate", "shapes"),
    [
        (reset_after, ((4, 6), (4, 6), (4, 2))),
        (reset_after, ((2, 3, 6), (2, 3, 6), (2, 3, 2))),
        (reset_before, ((4, 6), (4, 6), (4, 3))),
        (updated, ((4, 3), (4, 3), (4, 3), (4, 3))),
    ],
)
def test_gradients_are_those_of_differences(gate: object, shapes: tuple[tuple[int, ...], ...]) -> None:
    assert torch.autograd.gradcheck(gate, drawn(*shapes))
