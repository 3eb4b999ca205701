"""MMGCN against its equations, edge by edge, and against the released sizes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.building import without_storage
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.mmgcn import MMGCN
from tests.models.plain.mmgcn import plain_logits

IEMOCAP = TaskSpec(tuple("abcdef"), {"audio": 1582, "visual": 342, "text": 100}, ("M", "F"))
MELD = TaskSpec(tuple("abcdefg"), {"audio": 300, "visual": 342, "text": 600}, 9)
WEIGHTS = torch.tensor([0.5, 1.0, 2.5], dtype=torch.float64)
OVERFLOW = 200
"""The row of our speaker table that the released one does not have."""


def sizes(task: TaskSpec, **arguments: object) -> dict[str, int]:
    with without_storage():
        model = MMGCN(task, **arguments)  # type: ignore[arg-type]
    return {name: sum(p.numel() for p in group) for name, group in model.parameter_groups().items()}


def test_sizes_are_the_released_ones_part_by_part() -> None:
    assert sizes(IEMOCAP) == {
        "projection": 316_600 + 68_600 + 20_200,
        "context": 483_200,
        "speaker": 400 + OVERFLOW,
        "dropout": 0,
        "input": 20_100,
        "convolutions": 64 * 20_000,
        "classifier": 5_406,
    }
    for task, used, total in ((IEMOCAP, 2_194_506, 2_702_015), (MELD, 2_040_407, 2_552_217)):
        assert sum(sizes(task).values()) == used + OVERFLOW
        assert sum(sizes(task, hold_unused=True).values()) == total + OVERFLOW


@pytest.fixture
def small(task: TaskSpec) -> Callable[..., MMGCN]:
    def build(**arguments: object) -> MMGCN:
        torch.manual_seed(0)
        known = {"width": 8, "graph_width": 5, "layers": 3, "dropout": 0.0}
        return MMGCN(task, **{**known, **arguments}).double()  # type: ignore[arg-type]

    return build


def plain_loss(name: str, logits: Tensor, labels: Tensor) -> Tensor:
    logs, known = torch.log_softmax(logits, 1), [i for i, y in enumerate(labels.tolist()) if y >= 0]
    if name == "cross-entropy":
        right = torch.stack([-WEIGHTS[labels[i]] * logs[i, labels[i]] for i in known])
        return right.sum() / WEIGHTS[labels[known]].sum()
    each = [-((1 - (c == labels[i]) * logs[i, c]) ** 2.5) * logs[i, c] for i in known for c in range(logs.shape[1])]
    return torch.stack(each).mean()


@pytest.mark.parametrize("loss", ["cross-entropy", "released-focal"])
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_logits_losses_and_gradients_are_those_of_a_plain_evaluation(
    small: Callable[..., MMGCN], task: TaskSpec, make_batch: Callable[..., Batch], loss: str, missing: float
) -> None:
    model = small(loss=loss).train()
    batch = make_batch(task, (4, 1, 6), missing=missing, unlabelled=0.2, dtype=torch.float64)
    output, expected = model(batch), plain_logits(model, batch)
    torch.testing.assert_close(output.logits, expected, rtol=1e-9, atol=1e-9)
    (part,) = model.objectives()[0].parts(output, batch, WEIGHTS).values()
    ours, theirs = part.total / part.count, plain_loss(loss, expected, batch.labels)
    assert abs((ours - theirs).item()) < 1e-9
    parameters = dict(model.named_parameters())
    gradients = zip(
        torch.autograd.grad(ours, parameters.values()), torch.autograd.grad(theirs, parameters.values()), strict=True
    )
    for name, (one, other) in zip(parameters, gradients, strict=True):
        assert one.abs().max() > 0, name
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9, msg=name)


def test_another_modality_can_lead(
    small: Callable[..., MMGCN], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = small(leading="audio"), make_batch(task, (3, 2), dtype=torch.float64)
    torch.testing.assert_close(model(batch).logits, plain_logits(model, batch), rtol=1e-9, atol=1e-9)


def test_what_is_held_unused_changes_nothing(
    small: Callable[..., MMGCN], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (4, 2), dtype=torch.float64)
    plain, holding = small(), small(hold_unused=True)
    assert torch.equal(plain(batch).logits, holding(batch).logits)
    assert [n for n, p in holding.named_parameters() if not p.requires_grad and not n.startswith("unused")] == []
    assert not any(p.requires_grad for p in holding.unused)


def test_every_convolution_reads_nodes_after_dropout_and_the_first_nodes_without(
    small: Callable[..., MMGCN], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = small(graph_width=50, layers=4, dropout=0.5).train()
    drawn: list[Tensor] = []
    model.dropout.register_forward_hook(lambda module, inputs, output: drawn.append(output))
    model(make_batch(task, (6,), dtype=torch.float64))
    before, *inside, last = drawn
    assert before.shape == (6, 3, 8) and last.shape == (6, 3 * 58)
    assert [x.shape for x in inside] == [(1, 3, 6, 50)] * 5  # the first nodes, and what each layer gives


def test_the_nodes_are_as_similar_whatever_dropout_takes_from_them(
    small: Callable[..., MMGCN], task: TaskSpec, make_batch: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    from crossspace.models import multimodal_graph

    made = []
    original = multimodal_graph.similarity_graph
    monkeypatch.setattr(multimodal_graph, "similarity_graph", lambda *a: made.append(original(*a)) or made[-1])
    model, batch = small(dropout=0.5), make_batch(task, (4,), dtype=torch.float64)
    model.context.cell.dropout = 0.0
    for training in (True, False):
        model.train(training)(batch)
    assert torch.equal(made[0][0].within, made[1][0].within)


def test_the_order_of_utterances_reaches_the_leading_modality_alone(
    small: Callable[..., MMGCN], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (6,), dtype=torch.float64)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    shuffled = replace(batch, features={m: x[order] for m, x in batch.features.items()}, speakers=batch.speakers[order])
    for kept, same in ((("audio", "visual"), True), (task.modalities, False)):
        one, other = small()(batch.keep(kept)).logits[order], small()(shuffled.keep(kept)).logits
        assert torch.allclose(one, other, rtol=1e-9, atol=1e-12) is same


def test_unknown_losses_are_refused(small: Callable[..., MMGCN]) -> None:
    with pytest.raises(UsageError, match="'focal'"):
        small(loss="focal")
