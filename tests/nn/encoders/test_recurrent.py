"""The recurrent encoder over ragged rows."""

from __future__ import annotations

import pytest
import torch

from crossspace.batching.layout import Layout
from crossspace.errors import UsageError
from crossspace.nn.encoders import ENCODERS
from crossspace.nn.encoders.gru import GRUEncoder
from crossspace.nn.encoders.recurrent import RecurrentEncoder

LENGTHS = (4, 1, 0, 7, 6)


@pytest.fixture(params=["gru", "lstm"])
def encoder(request: pytest.FixtureRequest) -> RecurrentEncoder:
    torch.manual_seed(0)
    return ENCODERS[request.param](3, 6, layers=2).double()


@pytest.fixture
def rows() -> torch.Tensor:
    return torch.randn(sum(LENGTHS), 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_each_conversation_is_read_as_if_alone(encoder: RecurrentEncoder, rows: torch.Tensor) -> None:
    found = encoder(rows, Layout(LENGTHS)).split(LENGTHS)
    for part, alone in zip(found, rows.split(LENGTHS), strict=True):
        if len(alone):
            torch.testing.assert_close(part, encoder.cell(alone.unsqueeze(0))[0][0], rtol=1e-12, atol=1e-12)


def test_invisible_rows_are_skipped_and_silent(encoder: RecurrentEncoder, rows: torch.Tensor) -> None:
    visible = torch.rand(len(rows), generator=torch.Generator().manual_seed(2)) < 0.5
    visible[4] = False  # the conversation of one utterance is not seen at all
    spoilt = rows.clone()
    spoilt[~visible] = float("nan")
    found = encoder(spoilt, Layout(LENGTHS), visible)
    assert (found[~visible] == 0).all()
    for part, alone, seen in zip(found.split(LENGTHS), rows.split(LENGTHS), visible.split(LENGTHS), strict=True):
        if seen.any():
            torch.testing.assert_close(part[seen], encoder.cell(alone[seen].unsqueeze(0))[0][0], rtol=1e-12, atol=1e-12)


def test_nothing_visible_and_nothing_at_all_give_zero(encoder: RecurrentEncoder, rows: torch.Tensor) -> None:
    nobody = torch.zeros(len(rows), dtype=torch.bool)
    assert (encoder(rows, Layout(LENGTHS), nobody) == 0).all()
    assert encoder(rows[:0], Layout(())).shape == (0, 6)


def test_gradient_is_that_of_finite_differences(encoder: RecurrentEncoder) -> None:
    rows = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    layout, visible = Layout((3, 2)), torch.tensor([True, False, True, True, True])
    assert torch.autograd.gradcheck(lambda x: encoder(x, layout, visible), rows)


def test_an_odd_width_is_refused() -> None:
    with pytest.raises(UsageError, match="even"):
        GRUEncoder(3, 5)


def test_one_direction_reads_forwards_and_may_be_odd(rows: torch.Tensor) -> None:
    encoder = GRUEncoder(3, 5, causal=True).double()
    assert encoder(rows, Layout(LENGTHS)).shape == (len(rows), 5)
    later = rows.clone()
    later[3] += 1
    torch.testing.assert_close(encoder(later, Layout(LENGTHS))[:3], encoder(rows, Layout(LENGTHS))[:3], rtol=0, atol=0)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_single_precision_is_computed_otherwise_and_says_the_same(kind: str, causal: bool) -> None:
    torch.manual_seed(0)
    encoder = ENCODERS[kind](5, 8, layers=2, causal=causal)
    lengths = (31, 24, 3, 0, 1, 30)
    rows, outside = torch.randn(sum(lengths), 5), torch.randn(sum(lengths), 8)

    def answers(dtype: torch.dtype) -> list[torch.Tensor]:
        given = rows.to(dtype).requires_grad_()
        out = encoder.to(dtype)(given, Layout(lengths))
        return [out, *torch.autograd.grad(out, [given, *encoder.parameters()], outside.to(dtype))]

    double = answers(torch.float64)
    for one, other in zip(answers(torch.float32), double, strict=True):
        torch.testing.assert_close(one.double(), other, rtol=1e-5, atol=1e-5)
