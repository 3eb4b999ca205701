from __future__ import annotations

import pytest
import torch

from crossspace.batching.layout import Layout
from crossspace.nn import attention
from crossspace.nn.attention import attend


@pytest.mark.parametrize("hidden", [False, True], ids=["all visible", "some hidden"])
def test_path_with_dropout_is_plain_attention_when_nothing_is_dropped(hidden, monkeypatch):
    torch.manual_seed(0)
    layout = Layout([5, 1, 9, 4, 2])
    visible = None
    if hidden:
        visible = torch.rand(21) > 0.4
        visible[5] = False
    rows = [torch.randn(21, 8, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    plain = attend(*rows, layout, heads=2, visible=visible)
    monkeypatch.setattr(attention, "drop", lambda weights, probability: weights)
    dropping = attend(*rows, layout, heads=2, visible=visible, dropout=0.5)
    torch.testing.assert_close(dropping, plain)
    outside = torch.randn_like(plain)
    for mine, theirs in zip(
        torch.autograd.grad(dropping, rows, outside), torch.autograd.grad(plain, rows, outside), strict=True
    ):
        torch.testing.assert_close(mine, theirs)
