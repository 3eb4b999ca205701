"""Recurrences in one or both directions, for the CPU.

Of a GRU the steps stand here, with their gradient. PyTorch's own recurrence makes a product of matrices for each weight
at each step, there and back, and one direction waits for the other. Here a step is one product for both directions; the
gradients of the weights are one product each for all steps; and what of a gradient does not depend on those of later
steps is computed for all steps together.

Of an LSTM oneDNN has all steps in one operation, there and back. PyTorch asks it for blocks and not for packed
sequences, which it reads step by step and up to ten times as slowly.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from crossspace.batching.layout import Block, Layout
from crossspace.nn.dropout import dropout
from crossspace.nn.linear import linear
from crossspace.nn.ragged import reorder


def stacked_gru(cell: nn.GRU, rows: Tensor, layout: Layout) -> Tensor:
    """What ``cell`` makes of (N, d) rows: (N, h) states, or (N, 2 h) where it reads in both directions."""
    walks = [layout.forward_walk, layout.backward_walk][: 1 + cell.bidirectional]
    for layer in range(cell.num_layers):
        if layer and cell.training:
            rows = dropout(rows, cell.dropout)
        names = [f"l{layer}{suffix}" for suffix in ("", "_reverse")[: len(walks)]]
        read = [
            reorder(linear(rows, getattr(cell, f"weight_ih_{n}"), getattr(cell, f"bias_ih_{n}")), w.rows, w.places)
            for n, w in zip(names, walks, strict=True)
        ]
        weight, bias = (torch.stack([getattr(cell, f"{kind}_hh_{n}") for n in names]) for kind in ("weight", "bias"))
        states = _GRUSteps.apply(torch.stack(read), weight, bias, walks[0].sizes)
        rows = torch.cat([reorder(s, w.places, w.rows) for s, w in zip(states, walks, strict=True)], dim=1)
    return rows


def stacked_lstm(cell: nn.LSTM, block: Block, rows: Tensor) -> Tensor:
    """What ``cell`` makes of a block: (b, t, d) to (b, t, h), or (b, t, 2 h) where it reads in both directions.

    Padding stands last in either direction, so that no utterance depends on it; its own results mean nothing.
    """
    for layer in range(cell.num_layers):
        if layer and cell.training:
            rows = dropout(rows, cell.dropout)
        ways = [_lstm(cell, f"l{layer}", rows)]
        if cell.bidirectional:
            turned = _turned(block.valid)
            ways.append(_in_order(_lstm(cell, f"l{layer}_reverse", _in_order(rows, turned)), turned))
        rows = torch.cat(ways, dim=2)
    return rows


def _lstm(cell: nn.LSTM, suffix: str, rows: Tensor) -> Tensor:
    """(b, t, d) to (b, t, h), forwards."""
    weights = [getattr(cell, f"{kind}_{suffix}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    start = rows.new_zeros(1, len(rows), cell.hidden_size)
    return torch.lstm(rows, (start, start), weights, True, 1, 0.0, cell.training, False, True)[0]


def _turned(valid: Tensor) -> Tensor:
    """(b t,) the place from which each place of a block takes its row when conversations are read from their end."""
    count, length = valid.shape
    steps, lengths = torch.arange(length), valid.sum(1, keepdim=True)
    turned = torch.where(valid, lengths - 1 - steps, steps)
    return (turned + length * torch.arange(count).unsqueeze(1)).flatten()


def _in_order(rows: Tensor, order: Tensor) -> Tensor:
    """(b, t, d) rows at other places of the block; ``order`` (b t,) is its own inverse."""
    return reorder(rows.flatten(0, 1), order, order).view(rows.shape)


class _GRUSteps(Function):
    """(D, N, 3 h) mapped inputs of D directions, in the order of a walk, to (D, N, h) states.

    With z, r the gates and n the new state, all of one step, PyTorch's GRU keeps ``h' = n + z (h - n)`` with
    ``n = tanh(read_n + r kept_n)`` and ``kept = W h + b``.
    """

    @staticmethod
    def forward(ctx: Any, read: Tensor, weight: Tensor, bias: Tensor, sizes: tuple[int, ...]) -> Tensor:
        width, transposed, shift = weight.shape[2], weight.transpose(1, 2), bias.unsqueeze(1)
        state = read.new_zeros(len(read), sizes[0], width)
        steps: list[tuple[Tensor, ...]] = []
        for of_step in read.split(sizes, dim=1):
            state = state[:, : of_step.shape[1]]
            kept = torch.baddbmm(shift, state, transposed)
            gates = torch.sigmoid(of_step[..., : 2 * width] + kept[..., : 2 * width])
            reset, update = gates.split(width, dim=2)
            new = torch.tanh(torch.addcmul(of_step[..., 2 * width :], reset, kept[..., 2 * width :]))
            before, state = state, torch.lerp(new, state, update)
            steps.append((state, before, gates, new, kept[..., 2 * width :]))
        states, *saved = (torch.cat(column, dim=1) for column in zip(*steps, strict=True))
        ctx.save_for_backward(weight, *saved)
        ctx.sizes = sizes
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        weight, before, gates, new, kept = ctx.saved_tensors
        reset, update = gates.chunk(2, dim=2)
        to_new = (1 - update) * (1 - new.square())
        to_reset = to_new * kept * reset * (1 - reset)
        to_update = (before - new) * update * (1 - update)
        # By these factors the gradient of a state becomes that of what its cell kept: reset, update, new state.
        factors = torch.stack([to_reset, to_update, to_new * reset], dim=2)
        states, of_kept = _walk_back(gradient, factors, update, weight, ctx.sizes)
        of_read = torch.cat([of_kept[..., : 2 * weight.shape[2]], states * to_new], dim=2)
        return of_read, of_kept.transpose(1, 2) @ before, of_kept.sum(1), None


def _walk_back(
    gradient: Tensor, factors: Tensor, update: Tensor, weight: Tensor, sizes: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """Gradients of all states (D, N, h), those from later steps included, and of what was kept of them (D, N, 3 h)."""
    later = gradient.new_zeros(len(gradient), sizes[0], gradient.shape[2])
    columns = (x.split(sizes, dim=1) for x in (gradient, factors, update))
    steps = []
    for of_step, factor, passed in reversed(list(zip(*columns, strict=True))):
        # Conversations that end here have nothing from later steps: their part of `later` is still zero.
        running = later[:, : of_step.shape[1]]
        state = of_step + running
        kept = (state.unsqueeze(2) * factor).flatten(2)
        torch.baddbmm(state * passed, kept, weight, out=running)
        steps.append((state, kept))
    states, of_kept = (torch.cat(column[::-1], dim=1) for column in zip(*steps, strict=True))
    return states, of_kept
