from __future__ import annotations

import pytest
import torch

from crossspace.nn.dropout import Dropout, dropout


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_share_of_zeros_and_mean(probability):
    torch.manual_seed(0)
    out = dropout(torch.ones(999, 401), probability)
    assert (out == 0).double().mean().item() == pytest.approx(probability, abs=0.005)
    assert out.unique().tolist() == pytest.approx([0.0, 1 / (1 - probability)])


def test_neighbours_are_dropped_independently():
    torch.manual_seed(0)
    kept = (dropout(torch.ones(400_001), 0.5) > 0).double()
    for lag in (1, 2, 3, 64):
        assert abs(torch.corrcoef(torch.stack([kept[lag:], kept[:-lag]]))[0, 1]) < 0.01


def test_gradient_passes_where_the_value_does():
    rows = torch.ones(50, 3, dtype=torch.float64, requires_grad=True)
    out = dropout(rows, 0.3)
    assert torch.equal(torch.autograd.grad(out.sum(), rows)[0], out.detach())


@pytest.mark.parametrize(("probability", "expected"), [(0.0, 1.0), (1.0, 0.0)])
def test_ends_of_the_scale(probability, expected):
    assert torch.equal(dropout(torch.ones(5, 2), probability), torch.full((5, 2), expected))


def test_nothing_happens_outside_of_training():
    rows = torch.randn(4, 3)
    assert Dropout(0.5).eval()(rows) is rows


def test_seed_decides():
    first, second = (torch.manual_seed(3) and dropout(torch.ones(7, 5), 0.5) for _ in range(2))
    assert torch.equal(first, second)


def test_half_precision_keeps_its_type():
    assert dropout(torch.ones(4, 4, dtype=torch.bfloat16), 0.5).dtype == torch.bfloat16
