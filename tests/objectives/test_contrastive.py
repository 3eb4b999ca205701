"""Supervised contrast against a double loop over pairs of rows."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.objectives.base import Part
from crossspace.objectives.contrastive import SupervisedContrast
from crossspace.output import Output


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (5, 1, 6), unlabelled=0.25, seed=3, dtype=torch.float64)


def rows_of(batch: Batch, seed: int = 0) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(len(batch), 4, generator=random, dtype=torch.float64).requires_grad_()


def contrast(batch: Batch, rows: Tensor, view: Tensor | None = None, temperature: float = 0.3) -> Part:
    extras = {"rows": rows} if view is None else {"rows": rows, "view": view}
    output = Output(torch.zeros(len(batch), 3), extras=extras)
    objective = SupervisedContrast("rows", None if view is None else "view", temperature)
    return objective.parts(output, batch)["contrast"]


def by_pairs(labels: list[int], rows: Tensor, temperature: float) -> tuple[float, int]:
    units = [(row / row.norm()).detach() for row in rows]
    known = [i for i, label in enumerate(labels) if label >= 0]
    total, anchors = 0.0, 0
    for i in known:
        scores = {a: math.exp(float(units[i] @ units[a]) / temperature) for a in known if a != i}
        positives = [p for p in scores if labels[p] == labels[i]]
        if positives:
            anchors += 1
            total -= sum(math.log(scores[p] / sum(scores.values())) for p in positives) / len(positives)
    return total, anchors


@pytest.mark.parametrize("views", [1, 2])
@pytest.mark.parametrize("temperature", [0.07, 1.0])
def test_contrast_is_that_of_a_double_loop_over_pairs(batch: Batch, views: int, temperature: float) -> None:
    rows = [rows_of(batch, seed) for seed in range(views)]
    part = contrast(batch, *rows, temperature=temperature)
    total, anchors = by_pairs(batch.labels.tolist() * views, torch.cat(rows), temperature)
    assert float(part.total.detach()) == pytest.approx(total, rel=1e-10) and float(part.count) == anchors > 0


def test_rows_without_a_label_have_no_influence_and_no_gradient(batch: Batch) -> None:
    unknown = batch.labels < 0
    assert 0 < int(unknown.sum()) < len(batch)
    rows = rows_of(batch)
    part = contrast(batch, rows)
    (gradient,) = torch.autograd.grad(part.total, rows)
    assert (gradient[unknown] == 0).all() and (gradient[~unknown].abs().sum(1) > 0).all()
    moved = rows.detach().clone()
    moved[unknown] += 5
    assert float(contrast(batch, moved).total) == pytest.approx(float(part.total.detach()), rel=1e-12)


def with_labels(batch: Batch, labels: list[int]) -> Batch:
    return Batch(batch.features, batch.present, batch.lengths, batch.speakers, torch.tensor(labels))


def test_a_label_with_one_row_repels_and_is_no_anchor(batch: Batch) -> None:
    labels = [0] * 6 + [1] * 5 + [2]
    part = contrast(with_labels(batch, labels), rows_of(batch))
    assert float(part.count) == 11
    total, _ = by_pairs(labels, rows_of(batch), 0.3)
    assert float(part.total.detach()) == pytest.approx(total, rel=1e-10)
    two = contrast(with_labels(batch, labels), rows_of(batch), rows_of(batch, 1))
    assert float(two.count) == 24  # its second view is its positive


@pytest.mark.parametrize("labels", [[-100] * 12, [0] + [-100] * 11, [0, 1] + [-100] * 10])
def test_nothing_to_contrast_is_zero_with_a_gradient_of_zeros(batch: Batch, labels: list[int]) -> None:
    rows = rows_of(batch)
    part = contrast(with_labels(batch, labels), rows)
    assert float(part.total.detach()) == 0 and float(part.count) == 0
    assert (torch.autograd.grad(part.total, rows)[0] == 0).all()


def test_a_batch_of_no_rows_has_an_empty_contrast_that_still_hangs_on_its_rows(
    task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    nothing = make_batch(task, ())
    rows = torch.zeros(0, 4, requires_grad=True)
    part = contrast(nothing, rows)
    assert float(part.total.detach()) == 0 and float(part.count) == 0
    assert torch.autograd.grad(part.total, rows)[0].shape == (0, 4)


def test_rows_may_be_those_of_a_modality(batch: Batch) -> None:
    rows = rows_of(batch)
    output = Output(torch.zeros(len(batch), 3), representation={"text": rows})
    part = SupervisedContrast("text", temperature=0.3).parts(output, batch)["contrast"]
    assert torch.equal(part.total, contrast(batch, rows).total)


def test_rows_that_the_model_does_not_give_are_named(batch: Batch) -> None:
    with pytest.raises(UsageError, match=r"'fusion'.*'rows'"):
        SupervisedContrast("fusion").parts(Output(torch.zeros(12, 3), extras={"rows": rows_of(batch)}), batch)


def test_a_temperature_of_zero_is_refused() -> None:
    with pytest.raises(UsageError, match="temperature"):
        SupervisedContrast("rows", temperature=0.0)


def test_half_precision_is_contrasted_in_float32(batch: Batch) -> None:
    part = contrast(batch, rows_of(batch).detach().bfloat16())
    assert part.total.dtype == torch.float32 and torch.isfinite(part.total)
