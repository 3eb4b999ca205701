"""An LSTM cell for many rows at once."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

State = tuple[Tensor, Tensor]
"""(N, h) hidden state and (N, h) cell state."""


class LSTMCell(nn.LSTMCell):
    """``nn.LSTMCell``, the same function with the same parameters.

    Note:
        On the CPU PyTorch's takes more time for what follows its products than for these: a pass over the rows for
        every operation on a gate, there and back. Here it is one product of input and state side by side, and the
        gradient of the gates is written down.
    """

    def forward(self, input: Tensor, hx: State | None = None) -> State:
        """(N, d) rows and their state, zeros if none, to the next state."""
        if not input.is_cpu:
            return super().forward(input, hx)
        bias = self.bias_ih + self.bias_hh
        if hx is None:
            gates = F.linear(input, self.weight_ih, bias)
            cell = gates.new_zeros(len(input), self.hidden_size)
        else:
            weight = torch.cat([self.weight_ih, self.weight_hh], dim=1)
            gates, cell = F.linear(torch.cat([input, hx[0]], dim=1), weight, bias), hx[1]
        return _Gates.apply(gates, cell)


class _Gates(Function):
    """(N, 4 h) input, forget, new and output gates before their nonlinearities and (N, h) cells to the next state."""

    @staticmethod
    def forward(ctx: Any, gates: Tensor, cell: Tensor) -> State:
        parts = gates.chunk(4, dim=1)
        i, f, o = (torch.sigmoid(parts[at]) for at in (0, 1, 3))
        g = torch.tanh(parts[2])
        after = torch.addcmul(f * cell, i, g)
        shown = torch.tanh(after)
        ctx.save_for_backward(i, f, g, o, cell, shown)
        return o * shown, after

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, hidden: Tensor, after: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o, cell, shown = ctx.saved_tensors
        after = after + torch.ops.aten.tanh_backward(hidden * o, shown)
        gates = [
            torch.ops.aten.sigmoid_backward(after * g, i),
            torch.ops.aten.sigmoid_backward(after * cell, f),
            torch.ops.aten.tanh_backward(after * i, g),
            torch.ops.aten.sigmoid_backward(hidden * shown, o),
        ]
        return torch.cat(gates, dim=1), after * f
