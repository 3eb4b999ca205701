"""Batch normalisation of the rows that are there; tests/training/test_processes.py has it in several processes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from crossspace.nn.batch_norm import BatchNorm


@pytest.fixture
def rows() -> Tensor:
    return 3 + 2 * torch.randn(9, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


PRESENT = torch.tensor([True, False, True, True, True, False, True, True, False])


def layers() -> tuple[BatchNorm, nn.BatchNorm1d]:
    torch.manual_seed(1)
    ours, theirs = BatchNorm(4).double(), nn.BatchNorm1d(4).double()
    with torch.no_grad():
        for parameter in ours.parameters():
            parameter.copy_(torch.randn(4))
    theirs.load_state_dict({**ours.state_dict(), "num_batches_tracked": torch.tensor(0)})
    return ours, theirs


@pytest.mark.parametrize("present", [None, PRESENT])
def test_present_rows_are_normalised_as_by_pytorch_on_these_rows_alone(rows: Tensor, present: Tensor | None) -> None:
    ours, theirs = layers()
    chosen = slice(None) if present is None else present
    for _ in range(3):
        a, b = rows.clone().requires_grad_(), rows[chosen].clone().requires_grad_()
        found, expected = ours(a, present), theirs(b)
        torch.testing.assert_close(found[chosen], expected, rtol=0, atol=1e-12)
        weights = torch.randn_like(expected)
        (found[chosen] * weights).sum().backward()
        (expected * weights).sum().backward()
        torch.testing.assert_close(a.grad[chosen], b.grad, rtol=0, atol=1e-12)
        ours.commit()
    for name in ("running_mean", "running_var"):
        torch.testing.assert_close(getattr(ours, name), getattr(theirs, name), rtol=0, atol=1e-12)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad, rtol=0, atol=1e-12)
    assert torch.equal(ours.eval()(rows)[0], ours(rows[:1])[0])
    torch.testing.assert_close(ours(rows), theirs.eval()(rows), rtol=0, atol=1e-12)


@pytest.mark.parametrize("garbage", [1e6, float("nan"), float("inf")])
def test_what_stands_in_missing_rows_reaches_nothing(rows: Tensor, garbage: float) -> None:
    found = []
    for filler in (0.0, garbage):
        ours, _ = layers()
        seen = torch.where(PRESENT.unsqueeze(1), rows, filler).requires_grad_()
        normal = ours(seen, PRESENT)
        normal.square().sum().backward()
        ours.commit()
        assert (normal[~PRESENT] == 0).all() and (seen.grad[~PRESENT] == 0).all()
        found.append([normal, seen.grad, ours.weight.grad, ours.bias.grad, *ours.buffers()])
    assert all(torch.equal(a, b) for a, b in zip(*found, strict=True))


def test_running_statistics_wait_for_the_step_to_be_accepted(rows: Tensor) -> None:
    ours, _ = layers()
    before = [b.clone() for b in ours.buffers()]
    ours(rows * torch.nan)
    ours.commit(refused=torch.ones(()))
    assert all(torch.equal(a, b) for a, b in zip(before, ours.buffers(), strict=True))
    ours.commit()  # what was refused is forgotten
    assert all(torch.equal(a, b) for a, b in zip(before, ours.buffers(), strict=True))
    ours(rows)
    assert all(torch.equal(a, b) for a, b in zip(before, ours.buffers(), strict=True))
    ours.commit(refused=torch.zeros(()))
    assert not any(torch.equal(a, b) for a, b in zip(before, ours.buffers(), strict=True))


def test_a_layer_that_serves_several_modalities_takes_note_of_each(rows: Tensor) -> None:
    ours, theirs = layers()
    for part in (rows[:4], rows[4:]):
        ours(part)
        theirs(part)
    ours.commit()
    torch.testing.assert_close(ours.running_mean, theirs.running_mean, rtol=0, atol=1e-12)
    torch.testing.assert_close(ours.running_var, theirs.running_var, rtol=0, atol=1e-12)


def test_a_single_row_becomes_the_bias(rows: Tensor) -> None:
    ours, _ = layers()
    found = ours(rows[:1])
    assert torch.equal(found[0], ours.bias)
    found.sum().backward()
    ours.commit()
    assert all(torch.isfinite(x).all() for x in (*ours.buffers(), ours.weight.grad))


@pytest.mark.parametrize("count", [0, 3])
def test_without_a_present_row_nothing_changes(rows: Tensor, count: int) -> None:
    ours, _ = layers()
    before = [b.clone() for b in ours.buffers()]
    found = ours(rows[:count], torch.zeros(count, dtype=torch.bool))
    ours.commit()
    assert found.shape == (count, 4) and (found == 0).all()
    assert all(torch.equal(a, b) for a, b in zip(before, ours.buffers(), strict=True))


def test_evaluation_learns_nothing(rows: Tensor) -> None:
    ours, _ = layers()
    before = [b.clone() for b in ours.buffers()]
    ours.eval()(rows)
    ours.commit()
    assert all(torch.equal(a, b) for a, b in zip(before, ours.buffers(), strict=True))
