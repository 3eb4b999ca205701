"""CFN-ESA without dropout, written down utterance by utterance and pair by pair from the description of the method."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.models.cfn_esa import CFNESA
from crossspace.models.cfn_esa.layers import FeedForward
from crossspace.nn.attention import SelfAttention
from tests.models.plain.recurrent import both_directions

Rows = dict[int, Tensor]
"""By utterance of one conversation; what is missing has no entry."""


def normalised(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    centred = x - x.mean()
    return centred / torch.sqrt((centred**2).mean() + 1e-5) * norm.weight + norm.bias


def read(cell: nn.GRU, rows: Rows) -> Rows:
    places = sorted(rows)
    ordered = [rows[i] for i in places]
    return dict(zip(places, both_directions(ordered, cell), strict=True))


def feed_forward(part: FeedForward, x: Tensor) -> Tensor:
    return part.outer(part.inner(x).clamp(min=0))


def attended(part: SelfAttention, x: Tensor, keys: Rows) -> Tensor:
    """What one utterance finds in others, head by head."""
    pieces = []
    for h in range(part.heads):

        def head(linear: nn.Linear, row: Tensor, h: int = h) -> Tensor:
            return linear(row).chunk(part.heads)[h]

        query = head(part.query, x)
        if not keys:
            pieces.append(torch.zeros_like(query))
            continue
        scores = torch.stack([torch.dot(query, head(part.key, y)) / math.sqrt(len(query)) for y in keys.values()])
        weights = scores.exp() / scores.exp().sum()
        pieces.append(sum(w * head(part.value, y) for w, y in zip(weights, keys.values(), strict=True)))
    return part.output(torch.cat(pieces))


def crossed(model: CFNESA, rows: dict[str, Rows]) -> dict[str, Rows]:
    for layer in model.crossing:
        lead, others = layer.leading, [m for m in rows if m != layer.leading]
        selves = {
            m: {i: normalised(x + attended(layer.within[m], x, own), layer.norms[m][0]) for i, x in own.items()}
            for m, own in rows.items()
        }
        result: dict[str, Rows] = {m: {} for m in rows}
        for m, own in rows.items():
            for i, x in own.items():
                cross = torch.zeros_like(x)
                if m != lead:
                    cross = attended(layer.to_leading[m], selves[m][i], selves[lead])
                elif others:
                    found = [attended(layer.to_others[n], selves[m][i], selves[n]) for n in others]
                    cross = layer.joined(torch.cat(found)).clamp(min=0)
                c = normalised(x + selves[m][i] + cross, layer.norms[m][1])
                result[m][i] = normalised(x + c + feed_forward(layer.feed_forward[m], c), layer.norms[m][2])
        rows = result
    return rows


def plain(model: CFNESA, batch: Batch) -> tuple[Tensor, dict[tuple[int, int], Tensor]]:
    """(N, C) logits, and two numbers for every ordered pair of utterances of a conversation."""
    logits, shifts, start = [], {}, 0
    for length in batch.lengths.tolist():
        places = range(start, start + length)
        rows: dict[str, Rows] = {}
        for m, projection in model.projection.items():
            own = {i: projection(batch.features[m][i]) for i in places if batch.present[m][i]}
            for layer in model.recurrent:
                states = read(layer.recurrence.cell, own)
                y = {i: normalised(x + layer.states(states[i]), layer.states_norm) for i, x in own.items()}
                own = {
                    i: normalised(x + y[i] + feed_forward(layer.feed_forward, y[i]), layer.norm) for i, x in own.items()
                }
            rows[m] = own
        held = crossed(model, rows)
        nothing = torch.zeros(model.joined.out_features, dtype=torch.float64)
        h = {i: model.joined(torch.cat([own.get(i, nothing) for own in held.values()])).clamp(min=0) for i in places}
        logits += [model.classifier(h[i]) for i in places]
        for i in places:
            for j in places:
                pair = model.shift.hidden(torch.cat([h[i], h[j]])).clamp(min=0)
                shifts[i, j] = model.shift.output(pair)
        start += length
    return torch.stack(logits), shifts


def plain_shift_loss(shifts: dict[tuple[int, int], Tensor], labels: Tensor, rate: float) -> Tensor:
    total, weights = torch.zeros((), dtype=torch.float64), 0.0
    for (i, j), scores in shifts.items():
        if labels[i] < 0 or labels[j] < 0:
            continue
        shifted = int(labels[i] != labels[j])
        weight = 1 / (2 * rate) if shifted else 1 / (2 * (1 - rate))
        total = total - weight * torch.log_softmax(scores, 0)[shifted]
        weights += weight
    return total / weights
