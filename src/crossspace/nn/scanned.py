"""A recurrence over one conversation of any length, as a loop that a graph can hold: what an export needs.

The ways that train and predict are faster and know how many rows there are; a graph that is written once for
conversations of every length does not.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

State = tuple[Tensor, ...]


def scanned(cell: nn.GRU | nn.LSTM, rows: Tensor, visible: Tensor | None = None, alone: bool = False) -> Tensor:
    """What ``cell`` makes of the (N, d) rows of one conversation: (N, h), or (N, 2 h) where it reads both ways.

    Rows that are not ``visible`` (N,) are passed over, and their own result is zero. Dropout is left out. Where each is
    ``alone``, a conversation of its own, nothing is kept from one to the next.
    """
    here = rows.new_ones(rows.shape[0], dtype=torch.bool) if visible is None else visible
    for layer in range(cell.num_layers):
        ways = [_one_way(cell, f"l{layer}", rows, here, alone)]
        if cell.bidirectional:
            ways.append(_one_way(cell, f"l{layer}_reverse", rows.flip(0), here.flip(0), alone).flip(0))
        rows = torch.cat(ways, dim=1)
    return torch.where(here.unsqueeze(1), rows, 0.0)


def _one_way(cell: nn.GRU | nn.LSTM, suffix: str, rows: Tensor, here: Tensor, alone: bool) -> Tensor:
    from torch._higher_order_ops.scan import scan

    of_rows, of_state, bias, state_bias = (
        getattr(cell, f"{kind}_{suffix}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    step, parts = (_lstm, 2) if isinstance(cell, nn.LSTM) else (_gru, 1)
    read = rows @ of_rows.T + bias
    if alone:  # one step each, from a state of zeros
        return step(read, state_bias, (rows.new_zeros(rows.shape[0], cell.hidden_size),) * parts)[0]

    def one(state: State, given: tuple[Tensor, Tensor]) -> tuple[State, Tensor]:
        row, there = given
        after = step(row, torch.addmv(state_bias, of_state, state[0]), state)
        kept = tuple(torch.where(there, new, old) for new, old in zip(after, state, strict=True))
        return kept, kept[0].clone()

    # One tensor for each part: a loop refuses two that are the same.
    start = tuple(rows.new_zeros(cell.hidden_size) for _ in range(parts))
    return scan(one, start, (read, here), dim=0)[1]


def _lstm(read: Tensor, kept: Tensor, state: State) -> State:
    enter, forget, new, leave = (read + kept).chunk(4, dim=-1)
    inner = torch.sigmoid(forget) * state[1] + torch.sigmoid(enter) * torch.tanh(new)
    return torch.sigmoid(leave) * torch.tanh(inner), inner


def _gru(read: Tensor, kept: Tensor, state: State) -> State:
    (reset, update, new), (kept_reset, kept_update, kept_new) = read.chunk(3, dim=-1), kept.chunk(3, dim=-1)
    update = torch.sigmoid(update + kept_update)
    fresh = torch.tanh(new + torch.sigmoid(reset + kept_reset) * kept_new)
    return (fresh + update * (state[0] - fresh),)
