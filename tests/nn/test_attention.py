"""Attention over ragged rows against PyTorch's own, conversation by conversation."""

from __future__ import annotations

import pytest
import torch

from crossspace.batching.layout import Layout
from crossspace.errors import UsageError
from crossspace.nn import TransformerEncoder
from crossspace.nn.attention import SelfAttention, attend

LENGTHS = (5, 1, 9, 0, 8, 2)


def rows_of(lengths: tuple[int, ...], width: int = 8, seed: int = 0) -> torch.Tensor:
    return torch.randn(sum(lengths), width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def attention() -> SelfAttention:
    torch.manual_seed(0)
    return SelfAttention(8, 2).double()


@pytest.fixture
def oracle(attention: SelfAttention) -> torch.nn.MultiheadAttention:
    made = torch.nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
    parts = (attention.query, attention.key, attention.value)
    with torch.no_grad():
        made.in_proj_weight.copy_(torch.cat([p.weight for p in parts]))
        made.in_proj_bias.copy_(torch.cat([p.bias for p in parts]))
        made.out_proj.load_state_dict(attention.output.state_dict())
    return made


@pytest.mark.parametrize("hidden", [False, True])
def test_each_conversation_is_attended_to_as_if_alone(
    hidden: bool, attention: SelfAttention, oracle: torch.nn.MultiheadAttention
) -> None:
    rows = rows_of(LENGTHS)
    visible = torch.rand(len(rows), generator=torch.Generator().manual_seed(3)) < 0.6 if hidden else None
    if visible is not None:
        visible[[0, 5, 6]] = True
        visible[15:25] |= torch.arange(10) % 3 == 0
    found = attention(rows, Layout(LENGTHS), visible).split(LENGTHS)
    for c, part in enumerate(rows.split(LENGTHS)):
        if not len(part):
            continue
        mask = None if visible is None else ~visible.split(LENGTHS)[c].unsqueeze(0)
        expected = oracle(*[part.unsqueeze(0)] * 3, key_padding_mask=mask, need_weights=False)[0][0]
        torch.testing.assert_close(found[c], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("longest", [1024, 4])
@pytest.mark.parametrize("dropout", [0.0, 1e-12])
def test_causal_attention_is_attention_over_the_rows_so_far(
    hidden: bool,
    longest: int,
    dropout: float,
    attention: SelfAttention,
    oracle: torch.nn.MultiheadAttention,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("crossspace.nn.attention._LONG", longest)
    attention.dropout = dropout  # almost surely nothing is dropped
    rows = rows_of(LENGTHS)
    visible = torch.rand(len(rows), generator=torch.Generator().manual_seed(3)) < 0.6
    layout = Layout(LENGTHS).past
    found = attention(rows, layout, visible if hidden else None)
    for row in range(len(rows)):
        start = row - int(layout.positions[row])
        seen = [i for i in range(start, row + 1) if not hidden or visible[i]]
        if seen:
            keys = rows[seen].unsqueeze(0)
            expected = oracle(rows[row].view(1, 1, -1), keys, keys, need_weights=False)[0][0, 0]
        else:
            expected = attention.output.bias
        torch.testing.assert_close(found[row], expected, rtol=1e-10, atol=1e-12)


def test_softmax_written_out_gives_the_same() -> None:
    query, key, value = (rows_of((4,), 6, seed) for seed in range(3))
    found = attend(query, key, value, Layout((4,)), heads=3)
    for head in range(3):
        part = slice(2 * head, 2 * head + 2)
        weights = torch.softmax(query[:, part] @ key[:, part].T / 2**0.5, dim=1)
        torch.testing.assert_close(found[:, part], weights @ value[:, part])


def test_order_of_conversations_and_company_do_not_matter(attention: SelfAttention) -> None:
    rows = rows_of(LENGTHS)
    found = attention(rows, Layout(LENGTHS)).split(LENGTHS)
    parts, order = rows.split(LENGTHS), (4, 2, 0)
    again = attention(torch.cat([parts[c] for c in order]), Layout([LENGTHS[c] for c in order]))
    for c, part in zip(order, again.split([LENGTHS[c] for c in order]), strict=True):
        torch.testing.assert_close(part, found[c], rtol=1e-12, atol=1e-12)


def test_invisible_rows_influence_nobody_but_themselves() -> None:
    torch.manual_seed(0)
    encoder = TransformerEncoder(8, 2, layers=2, dropout=0.0).double()
    visible = torch.ones(sum(LENGTHS), dtype=torch.bool)
    visible[[1, 7, 16]] = False
    rows, other = rows_of(LENGTHS), rows_of(LENGTHS)
    other[~visible] = 100.0
    layout = Layout(LENGTHS)
    found, again = encoder(rows, layout, visible), encoder(other, layout, visible)
    torch.testing.assert_close(again[visible], found[visible], rtol=1e-12, atol=1e-12)
    assert not torch.allclose(again[~visible], found[~visible])


def test_where_no_key_is_visible_the_context_is_zero_and_so_is_the_gradient() -> None:
    query, key, value = (rows_of((3, 2), 4, seed).requires_grad_() for seed in range(3))
    visible = torch.tensor([False, False, False, True, False])
    context = attend(query, key, value, Layout((3, 2)), heads=2, visible=visible)
    assert (context[:3] == 0).all()
    torch.testing.assert_close(context[3:], value[3:4].expand(2, -1))
    context.square().sum().backward()
    assert all(torch.isfinite(x.grad).all() for x in (query, key, value))
    assert all((x.grad[:3] == 0).all() for x in (query, key, value))


def test_an_empty_batch_passes_through(attention: SelfAttention) -> None:
    for lengths in ((), (0,), (0, 0)):
        out = attention(torch.zeros(0, 8, dtype=torch.float64, requires_grad=True), Layout(lengths))
        assert out.shape == (0, 8)
        out.sum().backward()


def test_gradient_is_that_of_finite_differences(attention: SelfAttention) -> None:
    layout = Layout((3, 1, 2))
    rows = rows_of((3, 1, 2)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: attention(x, layout), rows)


def test_a_very_long_conversation_with_dropout_gives_the_same_gradient_twice() -> None:
    torch.manual_seed(0)
    attention = SelfAttention(4, 1, dropout=0.4).train()
    rows = torch.randn(1030, 4, requires_grad=True)
    out = attention(rows, Layout((1030,))).square().mean()
    first = torch.autograd.grad(out, [rows, *attention.parameters()], retain_graph=True)
    second = torch.autograd.grad(out, [rows, *attention.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_gradient_of_a_very_long_conversation_belongs_to_the_dropout_of_its_value() -> None:
    """Along the gradient the value must rise as the gradient says; with other dropout masks it would not."""
    rows = torch.randn(1030, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()

    def value(x: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(5)
        return attend(x, x, x, Layout((1030,)), heads=1, dropout=0.5).square().sum()

    (gradient,) = torch.autograd.grad(value(rows), rows)
    step = 1e-6 * gradient / gradient.norm()
    with torch.no_grad():
        slope = (value(rows + step) - value(rows - step)) / (2 * step.norm())
    assert float(slope) == pytest.approx(float(gradient.norm()), rel=1e-4)


def test_dropout_acts_in_training_only() -> None:
    attention, rows = SelfAttention(4, 1, dropout=0.5), torch.randn(6, 4)
    layout = Layout((6,))
    assert not torch.equal(attention.train()(rows, layout), attention(rows, layout))
    assert torch.equal(attention.eval()(rows, layout), attention(rows, layout))


@pytest.mark.parametrize(("width", "heads"), [(10, 4), (8, 0)])
def test_heads_that_do_not_divide_the_width_are_refused(width: int, heads: int) -> None:
    with pytest.raises(UsageError, match=rf"width={width}, heads={heads}"):
        SelfAttention(width, heads)
