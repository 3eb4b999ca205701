"""ICON written down for one query at a time, from its equations."""

from __future__ import annotations

import torch
from torch import Tensor

from crossspace.models.icon import ICON
from tests.models.plain.cmn import Window, attention, logits_of, masked, masked_states, query_of, states, weighted


def logits(model: ICON, window: Window) -> Tensor:
    """(C,) of one query."""
    own = masked_states(model.own, window.own, window.own_mask)
    others = masked_states(model.others, window.others, window.others_mask)
    memory = [torch.tanh(a + b) for a, b in zip(own, others, strict=True)]
    q = query_of(model, window)
    for hop in range(model.hops):
        memory = masked(states(model.everyone if hop == 0 else model.memory, memory), window.mask)
        q = torch.tanh(q + weighted(attention(q, memory, window.mask), memory))
    return logits_of(model, q)
