"""The GRU cell whose reset gate acts before the product, and its walk over the windows of many queries at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from crossspace.nn.gates import reset_before, updated
from crossspace.nn.linear import linear
from crossspace.nn.stepwise import Stepwise


class ResetBeforeGRU(nn.Module):
    """A GRU cell as TensorFlow 1 has it, and as it was first described (Cho et al. 2014).

    ``r, u = sigmoid([x ; h] W_g + b_g)``, ``c = tanh([x ; r h] W_c + b_c)``, and the new state ``u h + (1 - u) c``:
    the reset gate acts on the state before the product, and every gate has one bias. ``torch.nn.GRUCell`` resets after
    the product and has two.

    Args:
        inputs: width of x.
        width: of the state.

    Note:
        Both matrices, each over x and h together, start by Glorot's uniform rule, the bias of the gates at 1 and that
        of the candidate at 0.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.inputs, self.width = inputs, width
        self.gates = nn.Parameter(torch.empty(2 * width, inputs + width))
        self.candidate = nn.Parameter(torch.empty(width, inputs + width))
        self.gates_bias = nn.Parameter(torch.ones(2 * width))
        self.candidate_bias = nn.Parameter(torch.zeros(width))
        nn.init.xavier_uniform_(self.gates)
        nn.init.xavier_uniform_(self.candidate)

    def read(self, rows: Tensor) -> Tensor:
        """(N, inputs) to (N, 3 width): the part of x in both gates and the candidate, biases included."""
        weight = torch.cat([self.gates[:, : self.inputs], self.candidate[:, : self.inputs]])
        return linear(rows, weight, torch.cat([self.gates_bias, self.candidate_bias]))

    @property
    def state_weights(self) -> tuple[Tensor, Tensor]:
        """(2 width, width) and (width, width): what multiplies the state in the gates and in the candidate."""
        return self.gates[:, self.inputs :], self.candidate[:, self.inputs :]

    def walk(self, read: Tensor, sizes: Sequence[int]) -> Tensor:
        """The states of queries whose windows begin one after the other, beside that of an empty window.

        Args:
            read: (K + M, 3 width) of :meth:`read`, of :meth:`Windows.beside_nothing
                <crossspace.nn.history.Windows.beside_nothing>`: in every slot first the row of an empty window.
            sizes: how many queries fill each of the K slots; those of a slot go on in the next.

        Returns:
            (M, width) after every filled slot.

        Note:
            A window that is filled from its third slot on has walked through two empty ones before, with the biases
            alone. The empty window, which all share, knows the state it then has.
        """
        gates, candidate = map(Stepwise, self.state_weights)
        state, states = read.new_zeros(1, self.width), []
        for for_gates, for_candidate in self.by_slot(read, [size + 1 for size in sizes]):
            begin = len(for_gates) - len(state)
            if begin:
                state = torch.cat([state, state[:1].expand(begin, -1)])
            kept, update = reset_before(for_gates, gates(state), state)
            state = updated(for_candidate, candidate(kept), update, state)
            states.append(state[1:])
        return torch.cat(states)

    def by_slot(self, read: Tensor, sizes: Sequence[int]) -> Iterator[tuple[Tensor, Tensor]]:
        """For each slot what was read for the gates and for the candidate."""
        parts = read.split([2 * self.width, self.width], dim=1)
        return zip(*(part.split(list(sizes)) for part in parts), strict=True)


def walk_apart(one: ResetBeforeGRU, other: ResetBeforeGRU, read: Tensor, first: Tensor, sizes: Sequence[int]) -> Tensor:
    """Two cells over the same windows, each of which keeps its state where the other reads.

    Args:
        one: reads the slots that are ``first``.
        other: reads the others.
        read: (M, 3 width), of either cell's :meth:`ResetBeforeGRU.read`.
        first: (M,) bool.
        sizes: how many queries fill each slot; those of a slot go on in the next.

    Returns:
        (M, width), the state after each slot of the cell that read it.

    Note:
        Of a query's two states one is in use and the other waits; they change places where the party changes. A slot
        costs the products of both cells, of which each query takes one: telling the queries apart beforehand
        would wait for the device at every slot.
    """
    gates, candidate = (
        Stepwise(torch.cat(weights)) for weights in zip(one.state_weights, other.state_weights, strict=True)
    )
    state = waiting = read.new_zeros(0, one.width)
    states, before = [], first[:0].unsqueeze(1)
    reads = one.by_slot(read, sizes)
    for (for_gates, for_candidate), mine in zip(reads, first.unsqueeze(1).split(list(sizes)), strict=True):
        begin = len(mine) - len(state)
        if begin:
            nothing = read.new_zeros(begin, one.width)
            state, waiting = torch.cat([state, nothing]), torch.cat([waiting, nothing])
            before = torch.cat([before, mine[len(before) :]])
        state, waiting = _Exchanged.apply(state, waiting, mine != before)
        kept, update = reset_before(for_gates, _Either.apply(gates(state), mine), state)
        state = updated(for_candidate, _Either.apply(candidate(kept), mine), update, state)
        states.append(state)
        before = mine
    return torch.cat(states)


class _Exchanged(Function):
    """(n, d) ``one`` and ``other``, exchanged in the rows that are ``chosen`` (n, 1)."""

    @staticmethod
    def forward(ctx: Any, one: Tensor, other: Tensor, chosen: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(chosen)
        return torch.where(chosen, other, one), torch.where(chosen, one, other)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, for_one: Tensor, for_other: Tensor) -> tuple[Tensor, Tensor, None]:
        (chosen,) = ctx.saved_tensors
        return torch.where(chosen, for_other, for_one), torch.where(chosen, for_one, for_other), None


class _Either(Function):
    """The first half of each row of (n, 2 d) where ``first`` (n, 1), else the second."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, first: Tensor) -> Tensor:
        ctx.save_for_backward(first)
        one, other = rows.chunk(2, dim=1)
        return torch.where(first, one, other)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (first,) = ctx.saved_tensors
        return torch.cat([torch.where(first, gradient, 0.0), torch.where(first, 0.0, gradient)], dim=1), None
