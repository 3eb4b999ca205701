"""The GRU cell whose reset gate acts before the product, and its walk over the windows of many queries at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

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
        for here in read.split([size + 1 for size in sizes]):
            begin = len(here) - len(state)
            if begin:
                state = torch.cat([state, state[:1].expand(begin, -1)])
            state = _renewed(here, gates(state), candidate, state)
            states.append(state[1:])
        return torch.cat(states)


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
        A slot costs the products of both cells, of which each query takes one: telling the queries apart beforehand
        would wait for the device at every slot.
    """
    gates, candidate = (
        Stepwise(torch.cat(weights)) for weights in zip(one.state_weights, other.state_weights, strict=True)
    )
    kept, found = (read.new_zeros(0, one.width), read.new_zeros(0, one.width)), []
    for here, mine in zip(read.split(list(sizes)), first.unsqueeze(1).split(list(sizes)), strict=True):
        begin = read.new_zeros(len(here) - len(kept[0]), one.width)
        kept = torch.cat([kept[0], begin]), torch.cat([kept[1], begin])
        state = torch.where(mine, *kept)
        state = _renewed(here, _either(mine, gates(state)), partial(_mapped_either, mine, candidate), state)
        kept = torch.where(mine, state, kept[0]), torch.where(mine, kept[1], state)
        found.append(state)
    return torch.cat(found)


def _renewed(read: Tensor, gates: Tensor, candidate: Callable[[Tensor], Tensor], state: Tensor) -> Tensor:
    """The new state, from what was read, the mapped state of the gates, the map of the candidate, and the state."""
    width = state.shape[1]
    reset, update = torch.sigmoid(read[:, : 2 * width] + gates).split(width, dim=1)
    new = torch.tanh(read[:, 2 * width :] + candidate(reset * state))
    return torch.lerp(new, state, update)


def _either(first: Tensor, mapped: Tensor) -> Tensor:
    """The first half of each row where ``first`` (n, 1), else the second."""
    return torch.where(first, *mapped.chunk(2, dim=1))


def _mapped_either(first: Tensor, mapping: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    return _either(first, mapping(rows))
