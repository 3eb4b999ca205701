"""Contrast of two views against a double loop over pairs of rows, in any number of blocks."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.nn import partition
from crossspace.nn.partition import Contrast, log_partition
from crossspace.objectives.base import Part
from crossspace.objectives.contrastive import ViewContrast
from crossspace.output import Output


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (5, 1, 6), unlabelled=0.25, seed=3, dtype=torch.float64)


def rows_of(count: int, seed: int) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, 4, generator=random, dtype=torch.float64).requires_grad_()


def contrast(batch: Batch, one: Tensor, two: Tensor, shown: Tensor | None = None, **arguments: object) -> Part:
    extras = {"one": one, "two": two, **({} if shown is None else {"shown": shown})}
    objective = ViewContrast("one", "two", None if shown is None else "shown", **arguments)  # type: ignore[arg-type]
    return objective.parts(Output(torch.zeros(len(batch), 3), extras=extras), batch)["view-contrast"]


def by_pairs(
    one: Tensor, two: Tensor, visible: list[bool], temperature: float, anchors: str, candidates: str
) -> tuple[Tensor, int]:
    views = [[row / row.norm() for row in rows] for rows in (one, two)]
    places = [(v, i) for v in range(2) for i, there in enumerate(visible) if there]
    total, count = one.new_zeros(()), 0
    for v, i in places:
        if v == 1 and anchors == "first":
            continue
        against = [p for p in places if p != (v, i) and (candidates == "both" or p[0] != v)]
        scores = {p: torch.exp(views[v][i] @ views[p[0]][p[1]] / temperature) for p in against}
        total = total - torch.log(scores[1 - v, i] / sum(scores.values()))
        count += 1
    return total, count


@pytest.mark.parametrize("anchors", ["both", "first"])
@pytest.mark.parametrize("candidates", ["both", "other"])
@pytest.mark.parametrize("block", [3, 1024])
@pytest.mark.parametrize("kept", [0, 1 << 24])
def test_contrast_and_its_gradient_are_those_of_a_double_loop_over_pairs(
    anchors: str, candidates: str, block: int, kept: int, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition, "_BLOCK", block)
    monkeypatch.setattr(partition, "_KEPT", kept)
    one, two, shown = rows_of(24, 0), rows_of(24, 1), torch.rand(24, generator=torch.Generator().manual_seed(2)) > 0.2
    visible = [bool(s) and int(batch.labels[place // 2]) >= 0 for place, s in enumerate(shown)]
    assert 0 < sum(visible) < int(shown.sum())
    part = contrast(batch, one, two, shown, temperature=0.3, anchors=anchors, candidates=candidates)
    total, count = by_pairs(one, two, visible, 0.3, anchors, candidates)
    torch.testing.assert_close(part.total, total, rtol=1e-11, atol=1e-11)
    assert float(part.count) == count
    for a, b in zip(*(torch.autograd.grad(t, (one, two)) for t in (part.total, total)), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("both_anchors", [True, False])
@pytest.mark.parametrize("own_view", [True, False])
def test_shares_of_the_rows_ask_all_rows_and_add_up_to_the_whole(both_anchors: bool, own_view: bool) -> None:
    """What several processes compute, each for its own rows and the gradient of all."""
    rows = torch.nn.functional.normalize(rows_of(14, 0).detach(), dim=1)
    visible, weights = torch.arange(14) % 7 != 3, rows_of(14, 5).detach()[:, 0]
    places = torch.arange(14).view(2, 7)
    whole = rows.clone().requires_grad_()
    expected = log_partition(whole, visible, Contrast(7, 0, both_anchors, own_view, 0.4))
    asked = torch.arange(14) < (14 if both_anchors else 7)
    (torch.where(asked, expected, 0.0) * weights).sum().backward()
    found, gradient = torch.zeros(14, dtype=torch.float64), torch.zeros_like(rows)
    for own, others in ((places[:, :3], places[:, 3:]), (places[:, 3:], places[:, :3])):
        order = torch.cat([own.flatten(), others.flatten()])
        share = rows[order].requires_grad_()
        contrast = Contrast(own.shape[1], others.shape[1], both_anchors, own_view, 0.4)
        values = log_partition(share, visible[order], contrast)
        mine = order[: own.numel()]
        kept = torch.where(asked[mine], values[: len(mine)], 0.0)
        (kept * weights[mine]).sum().backward()
        found[mine] = kept.detach()
        gradient[order] += share.grad
    torch.testing.assert_close(found, torch.where(asked, expected, 0.0).detach(), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(gradient, whole.grad, rtol=1e-11, atol=1e-12)


def test_a_view_against_itself_says_how_alike_other_rows_are(batch: Batch) -> None:
    one = rows_of(12, 0)
    part = contrast(batch, one, one, temperature=0.5)
    total, _ = by_pairs(one, one, (batch.labels >= 0).tolist(), 0.5, "both", "both")
    torch.testing.assert_close(part.total, total, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("temperature", [0.005, 0.03, 5.0])
def test_small_temperatures_keep_their_digits(batch: Batch, temperature: float) -> None:
    one, two = rows_of(12, 0).detach(), rows_of(12, 1).detach()
    exact = contrast(batch, one, two, temperature=temperature)
    found = contrast(batch, one.float(), two.float(), temperature=temperature)
    assert float(found.total) == pytest.approx(float(exact.total), rel=1e-4) and math.isfinite(found.total)


def test_no_rows_at_all_give_zero_with_a_gradient(task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    one, two = (torch.zeros(0, 4, requires_grad=True) for _ in range(2))
    part = contrast(make_batch(task, ()), one, two)
    assert float(part.total.detach()) == 0 and float(part.count) == 0
    assert torch.autograd.grad(part.total, one)[0].shape == (0, 4)


def test_rows_that_nobody_labelled_give_zero(batch: Batch) -> None:
    part = contrast(batch, rows_of(12, 0), rows_of(12, 1), torch.zeros(12, dtype=torch.bool))
    assert float(part.total.detach()) == 0 and float(part.count) == 0


@pytest.mark.parametrize("wrong", [{"temperature": 0.0}, {"anchors": "none"}, {"candidates": "some"}])
def test_arguments_that_mean_nothing_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError, match=f"`{next(iter(wrong))}` should be"):
        ViewContrast("one", "two", **wrong)
