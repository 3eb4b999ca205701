from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from crossspace.nn import kernels, linear
from crossspace.nn.linear import Linear


@pytest.fixture(params=[True, False], ids=["bias", "no bias"])
def layer(request, monkeypatch):
    """A layer that counts every product as large, where oneDNN is the faster one."""
    monkeypatch.setattr(linear, "_WORTHWHILE", 1)
    monkeypatch.setattr(linear, "onednn_pays", lambda threads: kernels._KNOWN)
    torch.manual_seed(0)
    return Linear(24, 40, bias=request.param)


def test_value_and_gradients_are_those_of_a_linear_map(layer):
    rows = torch.randn(17, 24, requires_grad=True)
    outside = torch.randn(17, 40)
    inputs = [rows, *layer.parameters()]
    ours, plain = layer(rows), F.linear(rows, layer.weight, layer.bias)
    torch.testing.assert_close(ours, plain)
    for mine, theirs in zip(
        torch.autograd.grad(ours, inputs, outside), torch.autograd.grad(plain, inputs, outside), strict=True
    ):
        torch.testing.assert_close(mine, theirs)


def test_strided_rows_and_gradients_are_read_correctly(layer):
    rows = torch.randn(24, 17).t().requires_grad_()
    outside = torch.randn(40, 17).t()
    gradient = torch.autograd.grad(layer(rows), layer.weight, outside)[0]
    torch.testing.assert_close(gradient, outside.t() @ rows)
    torch.testing.assert_close(layer(rows), F.linear(rows, layer.weight, layer.bias))


def test_rows_and_gradients_that_lie_apart_are_copied_before_they_are_multiplied(layer, monkeypatch):
    seen, product = [], linear._product

    def watched(left, right, bias=None):
        seen.extend(x.is_contiguous() or x.t().is_contiguous() for x in (left, right))
        return product(left, right, bias)

    monkeypatch.setattr(linear, "_product", watched)
    rows, outside = torch.randn(17, 2, 24).requires_grad_(), torch.randn(17, 2, 40)
    layer(rows[:, 0]).backward(outside[:, 1])
    assert len(seen) == 6 and all(seen)


def test_a_processor_on_which_it_does_not_pay_is_left_with_its_own_library(layer, monkeypatch):
    monkeypatch.setattr(linear, "onednn_pays", lambda threads: False)
    monkeypatch.setattr(linear, "onednn", lambda *args: pytest.fail("it was called"))
    rows = torch.randn(3, 24)
    assert torch.equal(layer(rows), F.linear(rows, layer.weight, layer.bias))


def test_several_passes_through_a_retained_graph(layer):
    rows = torch.randn(17, 24, requires_grad=True)
    out = layer(rows)
    first = torch.autograd.grad(out.sum(), rows, retain_graph=True)[0]
    torch.testing.assert_close(torch.autograd.grad(2 * out.sum(), rows)[0], 2 * first)


def test_compared_gradients_are_short_products_and_those_of_weights_go_past_the_graph(layer):
    rows, outside = torch.randn(17, 24, requires_grad=True), torch.randn(17, 40)
    inputs = [rows, *layer.parameters()]  # the weight first
    compared: dict[torch.Tensor, torch.Tensor | None] = {layer.weight: None}
    with linear.passes(dtype=torch.bfloat16):
        out = layer(rows)
        with linear.passes(compared=compared):
            short = torch.autograd.grad(out, inputs, outside, retain_graph=True, allow_unused=True)
        full = torch.autograd.grad(out, inputs, outside)
    plain = torch.autograd.grad(F.linear(rows, layer.weight, layer.bias), inputs, outside)
    assert short[1] is None and list(compared) == [layer.weight]
    assert compared[layer.weight].dtype == torch.bfloat16 and short[0].dtype == torch.float32
    for a, b, c in zip((short[0], compared[layer.weight].float(), *short[2:]), full, plain, strict=True):
        torch.testing.assert_close(b, c)
        torch.testing.assert_close(a, c, rtol=0.05, atol=0.1)
    assert not torch.allclose(short[0], plain[0], rtol=1e-5, atol=1e-6)


def test_of_a_weight_that_is_computed_or_used_twice_the_compared_gradient_is_whole(layer):
    rows, outside = torch.randn(17, 24), torch.randn(17, 40)
    compared: dict[torch.Tensor, torch.Tensor | None] = {layer.weight: None}
    with linear.passes(dtype=torch.bfloat16):
        twice = linear.linear(rows, layer.weight) + linear.linear(rows, layer.weight)
        made = linear.linear(rows, 2 * layer.weight)
        with linear.passes(compared=compared):
            torch.autograd.grad(twice, [layer.weight], outside, allow_unused=True)
            through = torch.autograd.grad(made, [layer.weight], outside)[0]
    expected = 2 * outside.T @ rows
    torch.testing.assert_close(compared.pop(layer.weight), expected, rtol=0.05, atol=0.2)
    assert not compared
    torch.testing.assert_close(through, expected, rtol=0.05, atol=0.2)


def test_of_a_weight_that_nobody_compares_no_gradient_is_kept(layer):
    rows, compared = torch.randn(17, 24), {layer.weight: None}
    other = linear.Linear(40, 8)
    with linear.passes(dtype=torch.bfloat16):
        out = other(layer(rows))
        with linear.passes(compared=compared):
            torch.autograd.grad(out.sum(), [layer.weight], allow_unused=True)
    assert list(compared) == [layer.weight] and compared[layer.weight] is not None


def test_no_rows(layer):
    rows = torch.randn(0, 24, requires_grad=True)
    out = layer(rows)
    assert out.shape == (0, 40)
    assert torch.equal(torch.autograd.grad(out.sum(), layer.weight)[0], torch.zeros(40, 24))


def test_other_precisions_keep_their_type(layer):
    assert layer.double()(torch.randn(3, 24, dtype=torch.float64)).dtype == torch.float64
    layer.float()
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.randn(3, 24)).dtype == torch.bfloat16
