from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from crossspace.nn import linear
from crossspace.nn.linear import Linear


@pytest.fixture(params=[True, False], ids=["bias", "no bias"])
def layer(request, monkeypatch):
    """A layer that counts every product as large, on a processor with AVX-512."""
    monkeypatch.setattr(linear, "_WORTHWHILE", 1)
    monkeypatch.setattr(linear, "_WIDE", True)
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


def test_the_operator_of_pytorch_is_the_one_that_is_called():
    """Fails where PyTorch has changed it: then the gain is lost until the call is adapted, and nothing else is."""
    assert linear._KNOWN or not torch.backends.mkldnn.is_available()


@pytest.mark.parametrize("schema", ["", "mkldnn::_linear_pointwise(Tensor X) -> Tensor Y"])
def test_another_operator_is_not_called(layer, monkeypatch, schema):
    monkeypatch.setattr(linear, "_SCHEMA", schema)
    monkeypatch.setattr(linear, "_KNOWN", linear._is_known())
    monkeypatch.setattr(linear, "_product", lambda *args: pytest.fail("it was called"))
    rows = torch.randn(3, 24)
    assert torch.equal(layer(rows), F.linear(rows, layer.weight, layer.bias))


def test_an_operator_that_refuses_or_miscounts_is_not_known(monkeypatch):
    monkeypatch.setattr(linear, "_product", lambda *args: torch.zeros(1, 1))
    assert not linear._is_known()

    def refuse(*args):
        raise RuntimeError("could not create a primitive")

    monkeypatch.setattr(linear, "_product", refuse)
    assert not linear._is_known()


def test_a_processor_without_wide_registers_is_left_with_its_own_library(layer, monkeypatch):
    monkeypatch.setattr(linear, "_WIDE", False)
    monkeypatch.setattr(linear, "_product", lambda *args: pytest.fail("it was called"))
    rows = torch.randn(3, 24)
    assert torch.equal(layer(rows), F.linear(rows, layer.weight, layer.bias))


def test_several_passes_through_a_retained_graph(layer):
    rows = torch.randn(17, 24, requires_grad=True)
    out = layer(rows)
    first = torch.autograd.grad(out.sum(), rows, retain_graph=True)[0]
    torch.testing.assert_close(torch.autograd.grad(2 * out.sum(), rows)[0], 2 * first)


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
