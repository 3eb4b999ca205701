from __future__ import annotations

import torch
from torch import nn

from crossspace.nn.lstm_cell import LSTMCell


def test_state_and_gradients_of_two_steps_are_those_of_pytorchs_cell() -> None:
    torch.manual_seed(0)
    ours, theirs = LSTMCell(5, 3).double(), nn.LSTMCell(5, 3).double()
    ours.load_state_dict(theirs.state_dict())
    rows, weights = torch.randn(2, 7, 5, dtype=torch.float64), torch.randn(2, 7, 3, dtype=torch.float64)
    found = []
    for cell in (ours, theirs):
        leaves = rows.clone().requires_grad_()
        hidden, state = cell(leaves[1], cell(leaves[0]))
        loss = (weights[0] * hidden).sum() + (weights[1] * state).sum()
        found.append((hidden, state, *torch.autograd.grad(loss, [leaves, *cell.parameters()])))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)
