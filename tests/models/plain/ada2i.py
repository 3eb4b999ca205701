"""Ada2I without dropout, written down utterance by utterance from the description of the method."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.models.ada2i import Ada2I
from crossspace.nn.post_norm import PostNormLayer

Rows = dict[str, dict[int, Tensor]]
"""By modality and utterance of one conversation; what is missing has no entry."""


def normalised(x: Tensor, norm: nn.LayerNorm) -> Tensor:
    centred = x - x.mean()
    return centred / torch.sqrt((centred**2).mean() + 1e-5) * norm.weight + norm.bias


def attended(layer: PostNormLayer, rows: dict[int, Tensor], heads: int) -> dict[int, Tensor]:
    attention, result = layer.attention, {}
    for i, x in rows.items():
        pieces = []
        for head in range(heads):

            def part(linear: nn.Linear, row: Tensor, head: int = head) -> Tensor:
                return linear(row).chunk(heads)[head]

            q = part(attention.query, x)
            scores = torch.stack([torch.dot(q, part(attention.key, y)) / len(q) ** 0.5 for y in rows.values()])
            weights = scores.exp() / scores.exp().sum()
            values = [part(attention.value, y) for y in rows.values()]
            pieces.append(sum(w * v for w, v in zip(weights, values, strict=True)))
        result[i] = attention.output(torch.cat(pieces))
    return result


def encoded(model: Ada2I, modality: str, rows: dict[int, Tensor]) -> dict[int, Tensor]:
    for layer in model.encoder[modality]:
        context = attended(layer, rows, layer.attention.heads)
        rows = {i: normalised(x + context[i], layer.attention_norm) for i, x in rows.items()}
        inner = {i: layer.outer(layer.inner(x).clamp(min=0)) for i, x in rows.items()}
        rows = {i: normalised(x + inner[i], layer.norm) for i, x in rows.items()}
    return {i: model.projection[modality](x) for i, x in rows.items()}


def weighted(model: Ada2I, number: int, rows: Rows, labelled: set[int]) -> tuple[Rows, Tensor, int]:
    """The rows of one layer, and over labelled utterances what its mapping networks miss by and how many numbers."""
    part = model.weighting[number]
    matrices: Rows = {m: {} for m in rows}
    for m, own in rows.items():
        weight, bias = part.maps[m].weight.chunk(4), part.maps[m].bias.chunk(4)
        for i, x in own.items():
            q1, q2, k1, k2 = (w @ x + b for w, b in zip(weight, bias, strict=True))
            matrices[m][i] = torch.outer(q1, q2) * torch.outer(k1, k2)
    means = {m: sum(own.values()) / len(own) for m, own in matrices.items() if own}
    result: Rows = {m: {} for m in rows}
    missed, count = torch.zeros((), dtype=torch.float64), 0
    for m, own in rows.items():
        for i, x in own.items():
            product = matrices[m][i]
            for other in sorted(means):
                if other != m:
                    product = product @ means[other]
            result[m][i] = part.factors[m](product.flatten()) * x + part.beta * x
            if i in labelled:
                missed = missed + (part.mapping[m](x) - result[m][i]).abs().sum()
                count += len(x)
    return result, missed, count


def product(rows: Tensor, weights: Tensor, cosine: str) -> Tensor:
    scores = []
    for c in range(len(weights)):
        total = torch.zeros((), dtype=torch.float64)
        for h in range(len(rows)):
            w = weights[c, h]
            if cosine == "over-classes":
                w = w / weights[:, h].norm()
            elif cosine == "over-units":
                w = w / weights[c].norm()
            total = total + w * (rows[h] / rows.norm() if cosine != "none" else rows[h])
        scores.append(total)
    return torch.stack(scores)


def plain(model: Ada2I, batch: Batch) -> tuple[Tensor, dict[str, dict[int, Tensor]], Tensor]:
    """(N, C) logits, those of every modality by row, and the mapping loss."""
    names, start = sorted(batch.features), 0
    logits, unimodal = [], {m: {} for m in names}
    missed, count = torch.zeros((), dtype=torch.float64), 0
    labelled = {i for i, label in enumerate(batch.labels.tolist()) if label >= 0}
    blocks = dict(zip(names, model.classifier.weight.split(model.width, dim=1), strict=True))
    bias = model.classifier.bias
    for length in batch.lengths.tolist():
        places = range(start, start + length)
        rows: Rows = {}
        for m in names:
            rows[m] = encoded(model, m, {i: batch.features[m][i] for i in places if batch.present[m][i]})
        for number in range(len(model.weighting)):
            rows, more, numbers = weighted(model, number, rows, labelled)
            missed = missed + more
            count += numbers if number == 0 else 0
        for i in places:
            total = bias
            for m in names:
                if i in rows[m]:
                    total = total + product(rows[m][i], blocks[m], model.cosine)
                    unimodal[m][i] = blocks[m] @ rows[m][i] + bias / len(names)
            logits.append(total)
        start += length
    return torch.stack(logits), unimodal, missed / count
