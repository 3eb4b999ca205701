"""Dropout from bytes: as probable as it says, without bias, the same for the same seed."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from crossspace.features.finetuned.settings import FineTuning
from crossspace.features.finetuned.text import base_checkpoint
from crossspace.finetuning.dropout import Dropout
from crossspace.finetuning.network import TextEmotion


@pytest.mark.parametrize("p", [0.01, 0.1, 0.3, 0.5, 0.9])
def test_a_part_is_dropped_and_the_mean_stays(p: float) -> None:
    torch.manual_seed(0)
    dropped = Dropout(p)(torch.ones(1_000_001))
    assert (dropped == 0).float().mean().item() == pytest.approx(p, abs=0.004)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    assert len(dropped.unique()) == 2


def test_every_element_may_be_dropped() -> None:
    torch.manual_seed(0)
    # Of eight bytes of one number none is special.
    often = torch.stack([Dropout(0.5)(torch.ones(16)) for _ in range(4000)])
    assert ((often == 0).float().mean(0) - 0.5).abs().max().item() < 0.05


def test_the_same_seed_drops_the_same_and_evaluation_drops_nothing() -> None:
    x, layer = torch.randn(7, 5, dtype=torch.bfloat16, requires_grad=True), Dropout(0.4)
    torch.manual_seed(3)
    first = layer(x)
    torch.manual_seed(3)
    assert torch.equal(layer(x), first) and first.dtype == torch.bfloat16
    assert layer.eval()(x) is x


def test_all_dropout_of_a_network_is_quick_and_attention_has_none(folders: dict) -> None:
    checkpoint = base_checkpoint(f"transformers:{folders['text']}", None)
    network = TextEmotion(checkpoint, FineTuning(adapters=2), 3)
    assert not [m for m in network.modules() if type(m) is nn.Dropout]
    attentions = [m for name, m in network.named_modules() if name.endswith("attention.self")]
    assert attentions and all(m.dropout.p == 0 for m in attentions)
    rates = {m.p for m in network.modules() if isinstance(m, Dropout)}
    assert rates >= {0.0, 0.1}
