"""Rows of filling change nothing, for every model that says so; a new one needs no entry."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from crossspace.balance import Balancer, FixedWeights, ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.batching.buckets import Bucket, Filled
from crossspace.data.task import TaskSpec
from crossspace.models import MODELS, Model
from crossspace.models.css import CSS
from crossspace.nn.batch_norm import BatchNorm
from crossspace.nn.encoders import ENCODERS
from crossspace.nn.fusion import FUSIONS
from crossspace.training.step import TrainingStep
from crossspace.training.step_record import StepRecord
from tests.models.small import small, variants

TASK = TaskSpec(("joy", "anger", "calm"), {"text": 6, "audio": 5, "visual": 4}, speakers=2)
FILLABLE = sorted(name for name, kind in MODELS.items() if small(kind, TASK).fillable)
KINDS = [(kind, label, given) for kind in FILLABLE for label, given in {"": {}, **variants(MODELS[kind])}.items()]


def without_noise(model: Model) -> Model:
    for module in model.modules():
        for name in ("p", "dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return model


def filled(batch: Batch) -> Batch:
    memory = Filled(Bucket.of(batch.lengths.tolist()), batch)
    memory.take(batch)
    return memory.batch()


def step_of(model: Model, balancer: Balancer, batch: Batch) -> tuple[StepRecord, list[torch.Tensor | None]]:
    """The record of a step, and the gradients that reach the optimizer."""
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    step = TrainingStep(model, balancer, optimizer, class_weights=torch.tensor([0.5, 1.0, 2.0]), clip=1.0)
    gradients: list[torch.Tensor | None] = []
    optimizer.register_step_pre_hook(
        lambda *_: gradients.extend(None if p.grad is None else p.grad.clone() for p in model.parameters())
    )
    step.begin_epoch(0)
    return step(batch), gradients


def check_equal(model: Model, balancer: Balancer, batch: Batch, tolerance: float) -> None:
    model = without_noise(model).train()
    other = copy.deepcopy(model)
    record, gradients = step_of(model, copy.deepcopy(balancer), batch)
    theirs, same = step_of(other, copy.deepcopy(balancer), filled(batch))
    losses = sum(name.startswith(("losses/", "parts/")) for name in record.names)
    torch.testing.assert_close(theirs.values[:losses], record.values[:losses], rtol=tolerance, atol=tolerance)
    # The root of SPF has a slope of 500 at zero: in float32 rounding moves gradients there, filled up or not.
    steep = tolerance if batch.features["text"].dtype == torch.float64 else 1e-2
    torch.testing.assert_close(theirs.values[losses:], record.values[losses:], rtol=steep, atol=steep)
    assert [g is None for g in same] == [g is None for g in gradients]
    for a, b in zip(same, gradients, strict=True):
        if a is not None:
            torch.testing.assert_close(a, b, rtol=steep, atol=steep)
    # Buffers of the one and the other, and what it says of the utterances, with parameters that are the same.
    torch.testing.assert_close(dict(other.named_buffers()), dict(model.named_buffers()), rtol=tolerance, atol=tolerance)
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        ours, filling = model.eval()(batch), other.eval()(filled(batch))
    torch.testing.assert_close(filling.logits[: len(batch)], ours.logits, rtol=tolerance, atol=tolerance)
    for m, logits in ours.unimodal.items():
        torch.testing.assert_close(filling.unimodal[m][: len(batch)], logits, rtol=tolerance, atol=tolerance)


def test_some_models_may_be_filled() -> None:
    assert {"css", "sdt", "logistic-regression"} <= set(FILLABLE)


BALANCERS = [FixedWeights(), ParetoGradientModulator(), ParetoGradientModulator("representation")]


@pytest.mark.parametrize("balancer", BALANCERS)
@pytest.mark.parametrize("kind", ["css", "sdt", "logistic-regression"])
@settings(max_examples=8)
@given(
    lengths=st.lists(st.integers(0, 40), min_size=1, max_size=6).filter(any),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
    unlabelled=st.sampled_from([0.0, 0.4]),
    seed=st.integers(0, 9),
    double=st.booleans(),
)
def test_filling_changes_no_loss_gradient_cosine_or_prediction(
    kind: str,
    balancer: Balancer,
    make_batch: Callable[..., Batch],
    task: TaskSpec,
    lengths: list[int],
    missing: float,
    unlabelled: float,
    seed: int,
    double: bool,
) -> None:
    dtype = torch.float64 if double else torch.float32
    torch.manual_seed(seed)
    model = small(MODELS[kind], task, corruption=None, standardise=True).to(dtype)
    batch = make_batch(task, lengths, missing, unlabelled, seed, dtype)
    check_equal(model, balancer, batch, 1e-12 if double else 2e-5)


@pytest.mark.parametrize(("kind", "label", "given"), KINDS, ids=[f"{kind} {label}" for kind, label, _ in KINDS])
def test_every_variant_of_a_model_that_may_be_filled(
    kind: str, label: str, given: dict[str, Any], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = small(MODELS[kind], task, **given).double()
    check_equal(model, ParetoGradientModulator(), make_batch(task, (5, 1, 9), 0.2, 0.2, dtype=torch.float64), 1e-12)


@pytest.mark.parametrize("fusion", sorted(FUSIONS))
def test_css_may_be_filled_with_every_fusion(fusion: str, task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    model = CSS(task, width=8, heads=2, fusion=fusion, encoder={"layers": 2, "first_norm": True}).double()
    assert model.fillable
    check_equal(model, ParetoGradientModulator(), make_batch(task, (5, 1, 9), 0.2, 0.2, dtype=torch.float64), 1e-12)


@pytest.mark.parametrize(
    "arguments",
    [
        {"context": False},
        {"causal": True},
        {"text_bias": "text", "branch_gates": True, "unimodal_head": "mlp"},
        {"modality_aware": False},
        {"interaction": {"gate": "scalar", "project_sources": True, "residual": True, "shared": True}},
        {"corruption": {"noise": {"text": 0.0}}},
    ],
)
def test_css_may_be_filled_as_it_is_set(
    arguments: dict[str, Any], task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    model = CSS(task, width=8, heads=2, **arguments).double()
    assert model.fillable
    check_equal(model, ParetoGradientModulator(), make_batch(task, (5, 1, 9), 0.2, 0.2, dtype=torch.float64), 1e-12)


def test_css_says_when_it_may_not_be_filled(task: TaskSpec) -> None:
    assert not CSS(task, width=8, heads=2, corruption={"swap": {"text": 0.1}}).fillable
    for name, encoder in ENCODERS.items():
        assert CSS(task, width=8, heads=2, encoder=name).fillable == encoder.fillable


def test_filling_enters_no_statistics_of_a_batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    batch = make_batch(task, (5, 1, 9), missing=0.3, dtype=torch.float64)
    one, two = (BatchNorm(6).double() for _ in range(2))
    padded = filled(replace(batch, complete=frozenset()))
    rows = one(batch.features["text"], batch.present["text"])
    torch.testing.assert_close(two(padded.features["text"], padded.present["text"])[: len(batch)], rows)
    for norm in (one, two):
        norm.commit()
    torch.testing.assert_close(dict(two.named_buffers()), dict(one.named_buffers()))
