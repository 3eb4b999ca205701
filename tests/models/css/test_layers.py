"""The layers that serve CSS alone: corruption, text bias, interaction."""

from __future__ import annotations

import pytest
import torch

from crossspace.batching.layout import Layout
from crossspace.errors import UsageError
from crossspace.models.css.corruption import Corruption
from crossspace.models.css.interaction import InteractionEncoder, ScalarGate
from crossspace.models.css.text_bias import TextBias

NAMES = ("text", "audio", "visual")


def test_disturbance_is_for_training_only_and_for_the_named_modality() -> None:
    torch.manual_seed(0)
    rows, layer = torch.randn(50, 3), Corruption(NAMES, {"text": 0.5}, {"audio": 0.1})
    assert torch.equal(layer.eval()("text", rows), rows)
    assert torch.equal(layer.train()("visual", rows), rows)
    noise = layer("audio", rows) - rows
    assert 0.07 < float(noise.std()) < 0.13
    swapped = (layer("text", rows) != rows).any(1)
    assert 10 < int(swapped.sum()) < 40


def test_rows_are_exchanged_only_for_rows_that_have_the_modality() -> None:
    torch.manual_seed(0)
    rows, present = torch.arange(20.0).unsqueeze(1), torch.arange(20) % 2 == 0
    rows[~present] = float("nan")
    for _ in range(10):
        out = Corruption(NAMES, {"text": 0.9})("text", rows, present)
        assert torch.isfinite(out[present]).all()


def test_text_bias_lets_no_gradient_into_the_text() -> None:
    layer = TextBias(4, "text", NAMES)
    rows = {m: torch.randn(3, 4, requires_grad=True) for m in NAMES}
    out = layer(rows, torch.tensor([True, False, True]))
    assert torch.equal(out["text"], rows["text"]) and torch.equal(out["audio"][1], rows["audio"][1])
    assert not torch.equal(out["audio"][0], rows["audio"][0])
    (out["audio"].sum() + out["visual"].sum()).backward()
    assert rows["text"].grad is None and (rows["audio"].grad == 1).all()


@pytest.mark.parametrize("sources", [1, 2, 4])
def test_scalar_gates_share_one_among_the_sources_that_are_there(sources: int) -> None:
    torch.manual_seed(0)
    gate, query = ScalarGate(6, sources), torch.randn(5, 6)
    weights = torch.cat(gate(query, list("abcd")[:sources], [None] * sources), dim=1)
    torch.testing.assert_close(weights.sum(1), torch.ones(5))
    if sources == 2:
        torch.testing.assert_close(weights[:, 0], torch.sigmoid(gate.linear(query))[:, 0])
    here = torch.rand(5, sources) < 0.5
    here[0] = False
    weights = torch.cat(gate(query, list("abcd")[:sources], list(here.unbind(1))), dim=1)
    assert (weights[~here] == 0).all()
    torch.testing.assert_close(weights.sum(1), here.any(1).float())


@pytest.mark.parametrize("gate", ["vector", "scalar"])
@pytest.mark.parametrize("project", [True, False])
@pytest.mark.parametrize("shared", [True, False])
def test_interaction_of_any_number_of_modalities_ignores_the_missing_ones(
    gate: str, project: bool, shared: bool
) -> None:
    torch.manual_seed(0)
    names, layout = ("a", "b", "c", "d"), Layout((4, 2))
    encoder = InteractionEncoder(4, 2, names, gate=gate, project_sources=project, residual=True, shared=shared).eval()
    present = {m: torch.rand(6) < 0.6 for m in names}
    rows = {m: torch.where(present[m].unsqueeze(1), torch.randn(6, 4), 0.0) for m in names}
    found = encoder(rows, present, layout)
    changed = dict(rows, b=torch.where(present["b"].unsqueeze(1), rows["b"], 50.0))
    again = encoder(changed, present, layout)
    for m in ("a", "c", "d"):  # where b itself is missing, its query is zero by contract
        keep = present[m]
        torch.testing.assert_close(again[m][keep], found[m][keep], rtol=1e-5, atol=1e-5)
        assert torch.isfinite(found[m]).all()


def test_an_unknown_gate_is_refused() -> None:
    with pytest.raises(UsageError, match="matrix"):
        InteractionEncoder(4, 2, NAMES, gate="matrix")
