"""MM-DFN against its equations, node by node and speaker by speaker, and against the released sizes."""

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
from crossspace.models.mm_dfn import MMDFN
from tests.models.plain.mm_dfn import plain_logits

IEMOCAP = TaskSpec(tuple("abcdef"), {"audio": 1582, "visual": 342, "text": 100}, ("M", "F"))
MELD = TaskSpec(tuple("abcdefg"), {"audio": 300, "visual": 342, "text": 600}, 9)
OF_IEMOCAP = {"text": 1.0, "audio": 3.0, "visual": 0.0}
OF_MELD = {"text": 1.5, "audio": 0.5, "visual": 0.5}
WEIGHTS = torch.tensor([0.5, 1.0, 2.5], dtype=torch.float64)


def sizes(task: TaskSpec, **arguments: object) -> dict[str, int]:
    with without_storage():
        model = MMDFN(task, **arguments)  # type: ignore[arg-type]
    return {name: sum(p.numel() for p in group) for name, group in model.parameter_groups().items()}


def test_sizes_are_the_released_ones_part_by_part() -> None:
    assert sizes(IEMOCAP) == {
        "projection": 316_600 + 68_600 + 20_200,
        "dropout": 0,
        "input": 20_100,
        "convolutions": 16 * 20_000,
        "classifier": 5_406,
        "context": 362_400,
        "speakers": 362_400,
        "fusion": 80_800,
    }
    released = (
        (IEMOCAP, 16, 1_556_506, 2_064_415),
        (IEMOCAP, 32, 1_876_506, 2_384_415),
        (MELD, 32, 1_721_007, 2_234_617),
    )
    for task, layers, used, total in released:
        assert sum(sizes(task, layers=layers).values()) == used
        assert sum(sizes(task, layers=layers, hold_unused=True).values()) == total


@pytest.fixture
def small(task: TaskSpec) -> Callable[..., MMDFN]:
    def build(**arguments: object) -> MMDFN:
        torch.manual_seed(0)
        known = {"width": 8, "graph_width": 5, "layers": 3, "dropout": 0.0}
        return MMDFN(task, **{**known, **arguments}).double()  # type: ignore[arg-type]

    return build


def plain_loss(name: str, logits: Tensor, labels: Tensor) -> Tensor:
    logs, known = torch.log_softmax(logits, 1), [i for i, y in enumerate(labels.tolist()) if y >= 0]
    right = [logs[i, labels[i]] for i in known]
    weights = [WEIGHTS[labels[i]] for i in known]
    if name == "cross-entropy":
        return -sum(w * log for w, log in zip(weights, right, strict=True)) / sum(weights)
    factors = [w * (1 - log.exp()).detach() ** 0.5 for w, log in zip(weights, right, strict=True)]
    return -sum(f * log for f, log in zip(factors, right, strict=True)) / len(known)


@pytest.mark.parametrize(("loss", "weights"), [("focal", OF_IEMOCAP), ("cross-entropy", OF_MELD)])
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_logits_losses_and_gradients_are_those_of_a_plain_evaluation(
    small: Callable[..., MMDFN],
    task: TaskSpec,
    make_batch: Callable[..., Batch],
    loss: str,
    weights: dict[str, float],
    missing: float,
) -> None:
    model = small(loss=loss, speaker_weights=weights).train()
    batch = make_batch(task, (4, 1, 6), missing=missing, unlabelled=0.2, dtype=torch.float64)
    output, expected = model(batch), plain_logits(model, batch, weights)
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


def test_weights_are_those_of_iemocap_and_one_for_other_names(small: Callable[..., MMDFN]) -> None:
    assert small().speaker_weights == {"text": 1.0, "audio": 3.0}
    named = MMDFN(TaskSpec(("a", "b"), {"text": 3, "pulse": 2}), width=8, speaker_weights={"text": 2, "visual": 1})
    assert named.speaker_weights == {"text": 2.0, "pulse": 1.0}
    with pytest.raises(UsageError, match="audoi"):
        small(speaker_weights={"audoi": 3.0})


def test_a_modality_of_weight_zero_is_not_read_by_the_speakers(
    small: Callable[..., MMDFN], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch, read = small(), make_batch(task, (4, 3), dtype=torch.float64), []
    model.speakers.register_forward_pre_hook(lambda module, inputs: read.append(inputs))
    model(batch)
    ((rows, layout, _),) = read  # once for all modalities
    assert len(rows) == 2 * len(batch)
    pairs = set(zip(batch.layout.conversations.tolist(), batch.speakers.tolist(), strict=True))
    assert sum(length > 0 for length in layout.lengths) == 2 * len(pairs)
    assert small(speaker_weights=dict.fromkeys(task.modalities, 0.0)).speakers is None


def test_what_one_speaker_said_is_no_state_of_another(
    small: Callable[..., MMDFN], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model, batch = small(), make_batch(task, (6,), dtype=torch.float64)
    batch = replace(batch, speakers=torch.tensor([0, 1, 0, 0, 1, 0]))
    rows = {m: torch.randn(6, 8, dtype=torch.float64) for m in task.modalities}
    other = {**rows, "audio": rows["audio"].index_add(0, torch.tensor([4]), torch.ones(1, 8, dtype=torch.float64))}
    one, two = (model._speaker_states(r, batch)["audio"] for r in (rows, other))
    assert (one != two).any(1).tolist() == [False, True, False, False, True, False]


def test_what_is_held_unused_changes_nothing(
    small: Callable[..., MMDFN], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batch = make_batch(task, (4, 2), dtype=torch.float64)
    plain, holding = small(), small(hold_unused=True)
    assert torch.equal(plain(batch).logits, holding(batch).logits)
    assert not any(p.requires_grad for p in holding.unused)


def test_dropout_takes_from_what_a_layer_gives_and_not_from_the_shortcut(
    small: Callable[..., MMDFN], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = small(graph_width=50, layers=4, dropout=0.5).train()
    drawn: list[Tensor] = []
    model.dropout.register_forward_hook(lambda module, inputs, output: drawn.append(output))
    rows = model.encode(make_batch(task, (6,), dtype=torch.float64))
    inside = drawn[1:]
    assert [x.shape for x in inside] == [(1, 3, 6, 50)] * 5
    last = torch.stack([rows[m][:, 8:] for m in task.modalities])
    torch.testing.assert_close(last, torch.stack(inside).sum(0)[0])


def test_unknown_losses_are_refused(small: Callable[..., MMDFN]) -> None:
    with pytest.raises(UsageError, match="'released-focal'"):
        small(loss="released-focal")
