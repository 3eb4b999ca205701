"""Smaller layers: scale, position, concatenation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.nn.fusion.concatenation import Concatenation
from crossspace.nn.position import SinusoidalPosition
from crossspace.nn.standardise import Standardise

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


def test_concatenation_takes_what_is_missing_for_zero() -> None:
    layer, rows = Concatenation(3, NAMES, 5), {m: torch.randn(2, 3) for m in NAMES}
    here = torch.tensor([True, False])
    expected = layer.output(torch.cat([rows["text"], rows["audio"] * here.unsqueeze(1), rows["visual"]], dim=1))
    torch.testing.assert_close(
        layer({**rows, "audio": rows["audio"].masked_fill(~here.unsqueeze(1), torch.nan)}, {"audio": here}), expected
    )
