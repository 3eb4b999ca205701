"""Smaller layers: scale, corruption, position, text bias, concatenation, gates."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Layout
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.nn.corruption import Corruption
from crossspace.nn.fusion.concatenation import Concatenation
from crossspace.nn.interaction import InteractionEncoder, ScalarGate
from crossspace.nn.position import SinusoidalPosition
from crossspace.nn.standardise import Standardise
from crossspace.nn.text_bias import TextBias

NAMES = ("text", "audio", "visual")


def test_scaled_features_have_mean_zero_and_deviation_one_over_the_rows_that_have_them(
    task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batches = [make_batch(task, (40, 30), missing=0.4, seed=s) for s in range(3)]
    batches = [replace(b, features={m: 5 * x + 100 for m, x in b.features.items()}) for b in batches]
    scale = Standardise(task.widths)
    scale.fit(batches)
    for m in task.widths:
        rows = torch.cat([scale(m, b.features[m])[b.present[m]] for b in batches])
        torch.testing.assert_close(rows.mean(0), torch.zeros(task.widths[m]), atol=1e-4, rtol=0)
        torch.testing.assert_close(rows.std(0, correction=0), torch.ones(task.widths[m]), atol=1e-3, rtol=0)


def test_features_that_never_vary_become_zero_and_outliers_are_clipped() -> None:
    rows = torch.tensor([[3.0, 0.0], [3.0, 1.0], [3.0, 2.0]])
    everywhere = torch.ones(3, dtype=torch.bool)
    zeros = torch.zeros(3, dtype=torch.long)
    batch = Batch({"text": rows}, {"text": everywhere}, torch.tensor([3]), zeros, zeros)
    scale = Standardise({"text": 2})
    assert torch.equal(scale("text", rows), rows)
    scale.fit([batch])
    assert (scale("text", rows)[:, 0] == 0).all()
    assert scale("text", torch.tensor([[3.0, 1e9]]))[0, 1] == 10


def test_a_modality_that_training_never_saw_stays_finite(task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    scale = Standardise(task.widths)
    scale.fit([make_batch(task, (5,)).keep({"text"})])
    assert torch.isfinite(scale("audio", torch.randn(3, 5))).all()


def test_disturbance_is_for_training_only_and_for_the_named_modality() -> None:
    torch.manual_seed(0)
    rows, layer = torch.randn(50, 3), Corruption({"text": 0.5}, {"audio": 0.1})
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
        out = Corruption({"text": 0.9})("text", rows, present)
        assert torch.isfinite(out[present]).all()


def test_positions_are_sines_and_cosines_also_beyond_the_table() -> None:
    layer = SinusoidalPosition(6)
    found = layer(torch.tensor([0, 3, 1500]), longest=1501)
    for row, t in zip(found, (0, 3, 1500), strict=True):
        for i in range(0, 6, 2):
            angle = t / 10000 ** (i / 6)
            assert row[i].item() == pytest.approx(math.sin(angle), abs=1e-3)
            assert row[i + 1].item() == pytest.approx(math.cos(angle), abs=1e-3)
    assert layer.state_dict() == {}


def test_a_table_that_grew_in_inference_serves_training() -> None:
    layer = SinusoidalPosition(4)
    with torch.inference_mode():
        layer(torch.tensor([700]), longest=701)
    weight = torch.ones(4, requires_grad=True)
    (layer(torch.tensor([600]), longest=601) * weight).sum().backward()
    assert weight.grad is not None


def test_text_bias_lets_no_gradient_into_the_text() -> None:
    layer = TextBias(4, "text", NAMES)
    rows = {m: torch.randn(3, 4, requires_grad=True) for m in NAMES}
    out = layer(rows, torch.tensor([True, False, True]))
    assert torch.equal(out["text"], rows["text"]) and torch.equal(out["audio"][1], rows["audio"][1])
    assert not torch.equal(out["audio"][0], rows["audio"][0])
    (out["audio"].sum() + out["visual"].sum()).backward()
    assert rows["text"].grad is None and (rows["audio"].grad == 1).all()


def test_concatenation_takes_what_is_missing_for_zero() -> None:
    layer, rows = Concatenation(3, NAMES, 5), {m: torch.randn(2, 3) for m in NAMES}
    here = torch.tensor([True, False])
    expected = layer.output(torch.cat([rows["text"], rows["audio"] * here.unsqueeze(1), rows["visual"]], dim=1))
    torch.testing.assert_close(
        layer({**rows, "audio": rows["audio"].masked_fill(~here.unsqueeze(1), torch.nan)}, {"audio": here}), expected
    )


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
