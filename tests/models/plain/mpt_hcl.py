"""MPT-HCL without dropout, written down utterance by utterance from the description of the reconstruction."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.models.mpt_hcl import MPTHCL
from crossspace.models.mpt_hcl.prompt import PromptLayer
from tests.models.plain.recurrent import both_directions

Rows = dict[int, Tensor]
"""By utterance of one conversation; what is missing has no entry."""


def normalised(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    centred = x - x.mean()
    return centred / torch.sqrt((centred**2).mean() + norm.eps) * norm.weight + norm.bias


def context(model: MPTHCL, rows: Rows) -> Rows:
    """The recurrence over the utterances that have text."""
    cell, ordered = model.context.cell, [rows[i] for i in sorted(rows)]
    return dict(zip(sorted(rows), both_directions(ordered, cell), strict=True))


def attended(layer: PromptLayer, z: Rows, shown: set[int], prompts: Rows, i: int) -> Tensor:
    """What utterance i learns from the texts that are shown and from the prompts it may look at."""
    w_q, w_k, w_v = layer.rows.weight.chunk(3)
    b_q, b_k, b_v = layer.rows.bias.chunk(3)
    keys = [w_k @ z[j] + b_k for j in sorted(shown)]
    values = [w_v @ z[j] + b_v for j in sorted(shown)]
    if layer.prompt is not None:
        looked_at = [i] if layer.kind == "utterance" else sorted(prompts)
        made = [layer.prompt.weight @ prompts[j] + layer.prompt.bias for j in looked_at if j in prompts]
        keys += [p.chunk(2)[0] for p in made]
        values += [p.chunk(2)[1] for p in made]
    width = len(b_q)
    if not keys:
        return torch.zeros(width, dtype=torch.float64)
    size, pieces, query = width // layer.heads, [], w_q @ z[i] + b_q
    for h in range(layer.heads):
        part = slice(h * size, (h + 1) * size)
        scores = torch.stack([torch.dot(query[part], k[part]) / math.sqrt(size) for k in keys])
        weights = scores.exp() / scores.exp().sum()
        pieces.append(sum(w * v[part] for w, v in zip(weights, values, strict=True)))
    return torch.cat(pieces)


def conversation(model: MPTHCL, batch: Batch, places: range) -> tuple[list[Tensor], list[Tensor]]:
    """The rows that are classified, and the logits."""
    width, lead = model.projection.out_features, model.leading
    table = model.position(torch.arange(len(places)), len(places)).double()
    text = {i for i in places if batch.present[lead][i]}
    before, begun = {}, {}
    for step, i in enumerate(places):
        before[i] = model.speaker.weight[batch.speakers[i]] + table[step]
        if i in text:
            before[i] = before[i] + model.projection(batch.features[lead][i])
    states = context(model, {i: before[i] for i in text}) if text else {}
    nothing = torch.zeros(width, dtype=torch.float64)
    begun = {i: normalised(before[i] + states.get(i, nothing), model.context_norm) for i in places}
    weak = [m for m in batch.features if m != lead]
    filtered: dict[int, dict[str, Tensor]] = {i: {} for i in places}
    for m in weak:
        part = model.filters[m]
        for i in places:
            if batch.present[m][i]:
                u = part.projection(batch.features[m][i])
                seen = torch.cat([u, begun[i] if i in text else nothing]) if part.guided else u
                filtered[i][m] = torch.sigmoid(part.gate(seen)) * torch.tanh(part.content.weight @ u)
    joined = {i: torch.cat([f.get(m, nothing) for m in weak]) for i, f in filtered.items() if f}
    prompts = joined
    if model.pooled and joined:
        prompts = {min(joined): sum(joined.values()) / len(joined)}
    z = begun
    for layer in model.layers:
        half = {
            i: normalised(x + layer.output(attended(layer, z, text, prompts, i)), layer.attention_norm)
            for i, x in z.items()
        }
        inner = {i: layer.inner(x) for i, x in half.items()}
        gelu = {i: x * (1 + torch.erf(x / math.sqrt(2))) / 2 for i, x in inner.items()}
        z = {i: normalised(half[i] + layer.outer(x), layer.norm) for i, x in gelu.items()}
    rows = [
        torch.cat([z[i], *([filtered[i].get(m, nothing) for m in weak] if model.filtered_head else [])]) for i in places
    ]
    return rows, [model.classifier(r) for r in rows]


def plain(model: MPTHCL, batch: Batch) -> tuple[Tensor, Tensor]:
    """(N, d) rows that are classified, and (N, C) logits."""
    start, rows, logits = 0, [], []
    for length in batch.lengths.tolist():
        more = conversation(model, batch, range(start, start + length))
        rows, logits, start = rows + more[0], logits + more[1], start + length
    return torch.stack(rows), torch.stack(logits)


def plain_losses(rows: Tensor, logits: Tensor, labels: Tensor, temperature: float) -> tuple[Tensor, Tensor, Tensor]:
    """Cross-entropy, the contrast of two views that are equal, and the supervised one over both, in loops."""
    known = [i for i, y in enumerate(labels.tolist()) if y >= 0]
    units = {i: rows[i] / rows[i].norm() for i in known}
    cross = torch.stack([-torch.log_softmax(logits[i], 0)[labels[i]] for i in known]).mean()

    def close(i: int, j: int) -> Tensor:
        return torch.dot(units[i], units[j]) / temperature

    views = [torch.logsumexp(torch.stack([close(i, j) for j in known]), 0) - close(i, i) for i in known]
    both = [(i, view) for view in (0, 1) for i in known]
    supervised = []
    for a in both:
        others = [b for b in both if b != a]
        partition = torch.logsumexp(torch.stack([close(a[0], b[0]) for b in others]), 0)
        right = [b for b in others if labels[b[0]] == labels[a[0]]]
        supervised.append(torch.stack([partition - close(a[0], b[0]) for b in right]).mean())
    return cross, torch.stack(views).mean(), torch.stack(supervised).mean()
