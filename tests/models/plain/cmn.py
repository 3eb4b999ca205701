"""CMN written down for one query at a time, from its equations; also what ICON shares with it.

Own and other slots are padded windows of K slots with a mask each, as the released code has them; weights come from the
model under test, dropout there is none.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from crossspace.models.cmn import CMN
from crossspace.models.memory_network import MemoryNetwork
from crossspace.nn.window_gru import ResetBeforeGRU


class Window(NamedTuple):
    """One query: its features (D,), and for its own and the other stream (K, D) slots and (K,) whether occupied."""

    query: Tensor
    own: Tensor
    others: Tensor
    own_mask: list[bool]
    others_mask: list[bool]

    @property
    def mask(self) -> list[bool]:
        """Slots that either stream occupies."""
        return [a or b for a, b in zip(self.own_mask, self.others_mask, strict=True)]


def window_of(rows: Tensor, speakers: list[int], index: int, size: int) -> Window:
    """The window of utterance ``index`` of one conversation."""
    own, others = torch.zeros(size, rows.shape[1], dtype=rows.dtype), torch.zeros(size, rows.shape[1], dtype=rows.dtype)
    own_mask, others_mask = [False] * size, [False] * size
    for back in range(1, min(size, index) + 1):
        mine = speakers[index - back] == speakers[index]
        (own if mine else others)[size - back] = rows[index - back]
        (own_mask if mine else others_mask)[size - back] = True
    return Window(rows[index], own, others, own_mask, others_mask)


def step(cell: ResetBeforeGRU, x: Tensor, h: Tensor) -> Tensor:
    """One step of the GRU of TensorFlow 1 for single vectors."""
    joint = torch.cat([x, h])
    both = 1 / (1 + torch.exp(-(cell.gates @ joint + cell.gates_bias)))
    r, u = both[: len(h)], both[len(h) :]
    c = torch.tanh(cell.candidate @ torch.cat([x, r * h]) + cell.candidate_bias)
    return u * h + (1 - u) * c


def masked_states(cell: ResetBeforeGRU, slots: Tensor, mask: list[bool]) -> list[Tensor]:
    """States over a stream's own slots; zero where it is not occupied, which the state passes over."""
    h, found = slots.new_zeros(cell.width), []
    for x, here in zip(slots, mask, strict=True):
        h = step(cell, x, h) if here else h
        found.append(h if here else torch.zeros_like(h))
    return found


def states(cell: ResetBeforeGRU, slots: list[Tensor]) -> list[Tensor]:
    """States over all slots."""
    h, found = torch.zeros_like(slots[0]), []
    for x in slots:
        h = step(cell, x, h)
        found.append(h)
    return found


def attention(q: Tensor, memory: list[Tensor], mask: list[bool]) -> list[Tensor]:
    """The weight of every slot."""
    scores = [torch.tanh(x @ q) if here else x.new_tensor(-10000.0) for x, here in zip(memory, mask, strict=True)]
    weights = torch.softmax(torch.stack(scores), 0)
    return [w if here else torch.zeros_like(w) for w, here in zip(weights, mask, strict=True)]


def weighted(weights: list[Tensor], memory: list[Tensor]) -> Tensor:
    """The weighted sum of a memory."""
    return torch.stack([w * x for w, x in zip(weights, memory, strict=True)]).sum(0)


def masked(memory: list[Tensor], mask: list[bool]) -> list[Tensor]:
    """A memory, zero where the mask is not."""
    return [x if here else torch.zeros_like(x) for x, here in zip(memory, mask, strict=True)]


def query_of(model: MemoryNetwork, window: Window) -> Tensor:
    """q before the first hop."""
    return torch.tanh(model.query.weight @ window.query + model.query.bias)


def logits_of(model: MemoryNetwork, q: Tensor) -> Tensor:
    """The logits of q after the last hop."""
    return model.classifier.weight @ q + model.classifier.bias


def logits(model: CMN, window: Window) -> Tensor:
    """(C,) of one query."""
    streams = []
    for local, memory, slots, mask in (
        (model.own, model.own_memory, window.own, window.own_mask),
        (model.others, model.others_memory, window.others, window.others_mask),
    ):
        written = states(memory, [torch.tanh(x) for x in masked_states(local, slots, mask)])
        streams.append((written, masked(written, mask)))
    q = query_of(model, window)
    for hop in range(model.hops):
        recalled = [
            weighted(attention(q, written if hop == 0 else kept, window.mask), kept) for written, kept in streams
        ]
        q = torch.tanh(q + sum(recalled))
    return logits_of(model, q)


def penalty(model: MemoryNetwork) -> Tensor:
    """The mean over the trainable tensors not named "bias", and that of the output, of half their squared norms."""
    chosen = [p for n, p in model.named_parameters() if "bias" not in n or n == "classifier.bias"]
    return sum((0.5 * p.square().sum() for p in chosen), start=torch.zeros(())) / len(chosen)
