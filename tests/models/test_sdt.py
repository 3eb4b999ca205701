"""SDT against its equations, one conversation and one pair at a time, and against the published sizes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.sdt import SDT
from crossspace.nn.transformer import TransformerLayer

IEMOCAP = TaskSpec(tuple("abcdef"), {"text": 1024, "audio": 1582, "visual": 342}, ("M", "F"))
MELD = TaskSpec(tuple("abcdefg"), {"text": 1024, "audio": 300, "visual": 342}, 9)


def count(task: TaskSpec, **arguments: object) -> int:
    with torch.device("meta"):
        return sum(p.numel() for p in SDT(task, **arguments).parameters())  # type: ignore[arg-type]


def test_sizes_are_the_released_ones_but_for_what_is_never_used() -> None:
    assert count(IEMOCAP, hold_unused=True) == 79_687_704
    assert count(IEMOCAP) == 79_687_704 - 9 * 2 * 1024
    assert count(MELD, gate="identity", hold_unused=True) == 78_386_204
    assert count(MELD, gate="identity") == 78_386_204 - 9 * 2 * 1024 - 9 * 1024**2
    assert count(MELD, gate="identity") == 68_949_020 - 9 * 2 * 1024  # the released trainable ones


def test_what_is_held_unused_changes_nothing(task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    batch = make_batch(task, (4, 2))
    found = []
    for hold in (False, True):
        torch.manual_seed(0)
        model = SDT(task, width=8, heads=2, hold_unused=hold).eval()
        found.append(model(batch).logits)
        assert all(not p.requires_grad for n, p in model.named_parameters() if n.startswith("unused"))
    assert torch.equal(*found)


def layer(encoder: TransformerLayer, target: Tensor, source: Tensor, heads: int) -> Tensor:
    """One target attends to one source, head by head."""
    attention = encoder.attention
    q, k, v = attention.query(target), attention.key(source), attention.value(source)
    size = q.shape[1] // heads
    context = []
    for h in range(heads):
        part = slice(h * size, (h + 1) * size)
        weights = torch.softmax(q[:, part] / math.sqrt(size) @ k[:, part].T, dim=1)
        context.append(weights @ v[:, part])
    y = target + attention.output(torch.cat(context, dim=1))
    normed = F.layer_norm(y, y.shape[1:], encoder.norm.weight, encoder.norm.bias, eps=1e-6)
    return y + encoder.outer(F.gelu(encoder.inner(normed), approximate="tanh"))


def naive(model: SDT, features: dict[str, Tensor], speakers: Tensor, heads: int) -> tuple[Tensor, dict[str, Tensor]]:
    """Fused and unimodal logits of a single complete conversation."""
    context = model.position.table[: len(speakers)] + model.speaker.weight[speakers]
    rows = {m: x @ model.projection[m].weight.T + context for m, x in features.items()}
    found = {}
    for target in features:
        parts = []
        for source in [target, *(m for m in features if m != target)]:
            z = layer(model.encoder[target][source], rows[target], rows[source], heads)  # type: ignore[index,arg-type]
            scale = z if model.gate is None else z @ model.gate[target][source].weight.T  # type: ignore[index]
            parts.append(z / (1 + torch.exp(-scale)))
        found[target] = model.integration[target](torch.cat(parts, dim=1))
    scores = torch.stack([h @ model.fusion.gate.weight.T for h in found.values()])
    weights = scores.exp() / scores.exp().sum(0)
    fused = sum(w * h for w, h in zip(weights, found.values(), strict=True))
    assert isinstance(fused, Tensor)
    heads_of = {m: model.unimodal[m][-1](h.clamp(min=0)) for m, h in found.items()}  # type: ignore[index]
    return model.classifier(fused), heads_of


@pytest.mark.parametrize("gate", ["learned", "identity"])
@pytest.mark.parametrize("names", [("text", "audio", "visual"), ("pulse",), ("a", "b", "c", "d")])
def test_it_computes_its_equations(gate: str, names: Sequence[str], make_batch: Callable[..., Batch]) -> None:
    task = TaskSpec(("x", "y", "z"), {m: 3 + i for i, m in enumerate(names)}, speakers=3)
    torch.manual_seed(1)
    model = SDT(task, width=8, heads=2, gate=gate).double().eval()  # type: ignore[arg-type]
    lengths = (5, 1, 3)
    batch = make_batch(task, lengths, dtype=torch.float64)
    output = model(batch)
    for index, rows in enumerate(torch.arange(9).split(lengths)):
        features = {m: batch.features[m][rows] for m in names}
        fused, alone = naive(model, features, batch.speakers[rows], heads=2)
        torch.testing.assert_close(output.logits[rows], fused, rtol=1e-9, atol=1e-9, msg=f"conversation {index}")
        for m in names:
            torch.testing.assert_close(output.unimodal[m][rows], alone[m], rtol=1e-9, atol=1e-9)


def test_a_missing_modality_is_nobodys_key_and_has_no_part_in_the_fusion(
    task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = SDT(task, width=8, heads=2).double().eval()
    batch = make_batch(task, (6,), dtype=torch.float64)
    present = {**batch.present, "audio": torch.tensor([True, False, True, True, False, True])}
    seen = replace(batch, present=present, complete=None)
    other = {**batch.features, "audio": batch.features["audio"] * torch.where(present["audio"], 1.0, -7.0)[:, None]}
    assert torch.equal(model(seen).logits, model(replace(seen, features=other)).logits)
    assert model.encode(seen)["audio"][1].abs().sum() == 0


def test_distillation_moves_the_teacher_unless_it_is_detached(task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    for detach in (False, True):
        model = SDT(task, width=8, heads=2, detach_teacher=detach)
        batch = make_batch(task, (4, 3))
        parts = model.objectives()[2].parts(model(batch), batch)
        torch.stack([p.total for p in parts.values()]).sum().backward()
        assert (model.classifier.weight.grad is None) is detach


def test_the_second_step_is_a_number_in_batches_of_unequal_lengths(
    task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = SDT(task, width=8, heads=2)
    optimizer = torch.optim.Adam([p for p in model.parameters() if isinstance(p, nn.Parameter)], lr=1e-2)
    batch = make_batch(task, (7, 2, 4))
    for _ in range(3):
        optimizer.zero_grad()
        output = model(batch)
        parts = [p for o in model.objectives() for p in o.parts(output, batch).values()]
        loss = torch.stack([p.total / p.count for p in parts]).sum()
        assert torch.isfinite(loss)
        loss.backward()
        optimizer.step()
