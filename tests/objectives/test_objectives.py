"""L1, L2 and L3 against their formulas in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.models.base import Output
from crossspace.objectives.classification import CrossEntropy, UnimodalCrossEntropy
from crossspace.objectives.distillation import Distillation

WEIGHTS = (0.5, 2.0, 3.0)


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (7, 1, 4), missing=0.4, unlabelled=0.3, seed=4, dtype=torch.float64)


@pytest.fixture
def output(batch: Batch, task: TaskSpec) -> Output:
    random = torch.Generator().manual_seed(0)

    def logits() -> torch.Tensor:
        drawn = 3 * torch.randn(len(batch), len(task.labels), generator=random, dtype=torch.float64)
        return drawn.requires_grad_()

    return Output(logits(), {m: logits() for m in task.modalities})


def log_softmax(x: torch.Tensor, temperature: float = 1.0) -> np.ndarray:
    z = x.detach().numpy() / temperature
    z = z - z.max(1, keepdims=True)
    return z - np.log(np.exp(z).sum(1, keepdims=True))


def mean(part: object) -> float:
    return float(part.total.detach() / part.count)


def cross_entropy(logits: torch.Tensor, batch: Batch, rows: np.ndarray, weights: tuple[float, ...]) -> float:
    chosen = np.flatnonzero(rows)
    labels = batch.labels.numpy()[chosen]
    w = np.asarray(weights)[labels]
    return float((w * -log_softmax(logits)[chosen, labels]).sum() / w.sum())


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_l1_is_the_weighted_mean_over_labelled_rows(
    batch: Batch, output: Output, weights: tuple[float, ...] | None
) -> None:
    labelled = batch.labels.numpy() >= 0
    assert 0 < labelled.sum() < len(batch)
    parts = CrossEntropy().parts(output, batch, None if weights is None else torch.tensor(weights))
    assert list(parts) == ["fused"]
    expected = cross_entropy(output.logits, batch, labelled, weights or (1, 1, 1))
    assert mean(parts["fused"]) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_l2_gives_every_modality_the_mean_over_the_rows_it_has(
    batch: Batch, output: Output, weights: tuple[float, ...] | None
) -> None:
    parts = UnimodalCrossEntropy().parts(output, batch, None if weights is None else torch.tensor(weights))
    assert list(parts) == [f"unimodal.{m}" for m in batch.features]
    for m, logits in output.unimodal.items():
        rows = (batch.labels.numpy() >= 0) & batch.present[m].numpy()
        expected = cross_entropy(logits, batch, rows, weights or (1, 1, 1))
        assert mean(parts[f"unimodal.{m}"]) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("temperature", [1.0, 4.0, 0.5])
def test_l3_is_the_divergence_from_teacher_to_student(batch: Batch, output: Output, temperature: float) -> None:
    parts = Distillation(temperature).parts(output, batch, torch.tensor(WEIGHTS))
    teacher = log_softmax(output.logits, temperature)
    for m, logits in output.unimodal.items():
        rows = (batch.labels.numpy() >= 0) & batch.present[m].numpy()
        divergence = (np.exp(teacher) * (teacher - log_softmax(logits, temperature))).sum(1)
        assert mean(parts[f"distillation.{m}"]) == pytest.approx(divergence[rows].mean(), rel=1e-9)


def test_label_smoothing_spreads_its_mass_over_all_classes(batch: Batch, output: Output) -> None:
    part = CrossEntropy(smoothing=0.3).parts(output, batch)["fused"]
    rows = np.flatnonzero(batch.labels.numpy() >= 0)
    target = np.full((len(batch), 3), 0.1)
    target[rows, batch.labels.numpy()[rows]] += 0.7
    expected = -(target * log_softmax(output.logits)).sum(1)[rows].mean()
    assert mean(part) == pytest.approx(expected, rel=1e-9)


def test_divergence_is_zero_only_where_teacher_and_student_agree(batch: Batch, output: Output, task: TaskSpec) -> None:
    same = Output(output.logits, dict.fromkeys(task.modalities, output.logits + 5.0))
    for part in Distillation(2.0).parts(same, batch).values():
        assert part.total.item() == pytest.approx(0.0, abs=1e-12)
    for part in Distillation(2.0).parts(output, batch).values():
        assert part.total.item() > 1e-3


def test_detaching_the_teacher_changes_gradients_and_not_values(batch: Batch, output: Output) -> None:
    sums = {}
    for detach in (False, True):
        parts = Distillation(2.0, detach_teacher=detach).parts(output, batch)
        sums[detach] = torch.stack([p.total / p.count for p in parts.values()]).sum()
    assert float(sums[False]) == float(sums[True])
    students = list(output.unimodal.values())
    moved = [torch.autograd.grad(sums[d], students, retain_graph=True) for d in (False, True)]
    assert all(torch.equal(a, b) for a, b in zip(*moved, strict=True))
    assert torch.autograd.grad(sums[False], output.logits)[0].abs().sum() > 0
    assert torch.autograd.grad(sums[True], output.logits, allow_unused=True)[0] is None


@pytest.mark.parametrize("objective", [CrossEntropy(), UnimodalCrossEntropy(), Distillation(2.0)])
def test_rows_that_take_no_part_have_no_gradient(batch: Batch, output: Output, objective: object) -> None:
    total = torch.stack([p.total for p in objective.parts(output, batch).values()]).sum()
    names = ["fused", *output.unimodal]
    leaves = [output.logits, *output.unimodal.values()]
    for name, gradient in zip(names, torch.autograd.grad(total, leaves, allow_unused=True), strict=True):
        out = batch.labels < 0
        if name != "fused":
            out = out | ~batch.present[name]
        assert gradient is None or (gradient[out] == 0).all()


@pytest.mark.parametrize("objective", [CrossEntropy(), UnimodalCrossEntropy(), Distillation()])
def test_nothing_labelled_gives_zero_total_and_zero_count(
    batch: Batch, output: Output, task: TaskSpec, make_batch: Callable[..., Batch], objective: object
) -> None:
    nothing = make_batch(task, (7, 1, 4), unlabelled=1.0)
    for part in objective.parts(output, nothing, torch.tensor(WEIGHTS)).values():
        assert float(part.total) == 0 and float(part.count) == 0


def test_totals_and_counts_of_two_halves_add_up_to_the_whole(
    batch: Batch, output: Output, take: Callable[..., Batch]
) -> None:
    halves = [take(batch, [0]), take(batch, [1, 2])]
    cut = [slice(0, 7), slice(7, 12)]
    for objective in (CrossEntropy(), UnimodalCrossEntropy(), Distillation(2.0)):
        whole = objective.parts(output, batch, torch.tensor(WEIGHTS))
        found = [
            objective.parts(
                Output(output.logits[s], {m: x[s] for m, x in output.unimodal.items()}), half, torch.tensor(WEIGHTS)
            )
            for half, s in zip(halves, cut, strict=True)
        ]
        for name, part in whole.items():
            torch.testing.assert_close(sum(f[name].total for f in found), part.total)
            torch.testing.assert_close(sum(f[name].count for f in found), part.count)


def test_bfloat16_logits_are_reduced_in_float32(batch: Batch, output: Output) -> None:
    low = Output(output.logits.bfloat16(), {m: x.bfloat16() for m, x in output.unimodal.items()})
    for objective in (CrossEntropy(), UnimodalCrossEntropy(), Distillation()):
        assert all(p.total.dtype == torch.float32 for p in objective.parts(low, batch).values())
