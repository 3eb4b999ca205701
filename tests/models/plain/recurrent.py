"""PyTorch's recurrences in both directions, one step and one gate after the other."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

Step = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def lstm_step(read: Tensor, kept: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    i, f, g, o = (read + kept).chunk(4)
    cell = torch.sigmoid(f) * cell + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(cell), cell


def gru_step(read: Tensor, kept: Tensor, hidden: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    (r, z, n), (kept_r, kept_z, kept_n) = read.chunk(3), kept.chunk(3)
    z = torch.sigmoid(z + kept_z)
    return (1 - z) * torch.tanh(n + torch.sigmoid(r + kept_r) * kept_n) + z * hidden, cell


def both_directions(rows: list[Tensor], module: nn.LSTM | nn.GRU) -> list[Tensor]:
    """What a stacked recurrence without dropout gives for one sequence."""
    step = lstm_step if isinstance(module, nn.LSTM) else gru_step
    for layer in range(module.num_layers):
        forwards = one_direction(rows, module, f"l{layer}", step)
        backwards = one_direction(rows[::-1], module, f"l{layer}_reverse", step)[::-1]
        rows = [torch.cat(pair) for pair in zip(forwards, backwards, strict=True)]
    return rows


def one_direction(rows: list[Tensor], module: nn.LSTM | nn.GRU, suffix: str, step: Step) -> list[Tensor]:
    read_by, keep_by = getattr(module, f"weight_ih_{suffix}"), getattr(module, f"weight_hh_{suffix}")
    read_bias, keep_bias = getattr(module, f"bias_ih_{suffix}"), getattr(module, f"bias_hh_{suffix}")
    hidden = cell = torch.zeros(module.hidden_size, dtype=read_by.dtype)
    outputs = []
    for row in rows:
        hidden, cell = step(read_by @ row + read_bias, keep_by @ hidden + keep_bias, hidden, cell)
        outputs.append(hidden)
    return outputs
