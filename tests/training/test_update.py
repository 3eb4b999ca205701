"""From gradients to new parameters: clipping by tensor, AMSGrad, modulation, refusal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from crossspace.balance import Balancer, FixedWeights, ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models import Model
from crossspace.objectives.modulation import DominantModality
from crossspace.output import Output
from crossspace.training.step import TrainingStep

Build = Callable[..., TrainingStep]


@pytest.fixture
def batch(task: TaskSpec, make_batch: Callable[..., Batch]) -> Batch:
    return make_batch(task, (4, 1, 5, 3), missing=0.2, unlabelled=0.2, dtype=torch.float64)


@pytest.fixture
def build(task: TaskSpec, example: type[Model]) -> Build:
    def made(
        balancer: Balancer | None = None, amsgrad: bool = False, step: dict[str, Any] | None = None, **arguments: Any
    ) -> TrainingStep:
        torch.manual_seed(0)
        model = example(task, **arguments).double()
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-3, amsgrad=amsgrad, fused=True)
        return TrainingStep(model, balancer or FixedWeights(), optimizer, **(step or {}))

    return made


def gradients(step: TrainingStep, batch: Batch) -> dict[str, Tensor]:
    """What the optimizer gets to see."""
    seen: dict[str, Tensor] = {}
    named = dict(step.model.named_parameters())
    hook = step.optimizer.register_step_pre_hook(lambda *_: seen.update({n: p.grad.clone() for n, p in named.items()}))
    step(batch)
    hook.remove()
    return seen


def test_clipping_by_tensor_shortens_only_what_is_too_long(build: Build, batch: Batch) -> None:
    free = gradients(build(), batch)
    norms = sorted(float(g.norm()) for g in free.values())
    bound = norms[len(norms) // 2]
    clipped = gradients(build(step={"clip": bound, "clip_per": "tensor"}), batch)
    for name, gradient in free.items():
        length = float(gradient.norm())
        expected = gradient * min(1.0, bound / (length + 1e-6))
        torch.testing.assert_close(clipped[name], expected, rtol=1e-12, atol=0)
    assert sum(float(g.norm()) > bound for g in free.values()) > 2
    whole = gradients(build(step={"clip": bound}), batch)
    ratios = {float((whole[n].norm() / free[n].norm()).round(decimals=9)) for n in free}
    assert len(ratios) == 1


def state(step: TrainingStep) -> list[Tensor]:
    moments = [x for values in step.optimizer.state_dict()["state"].values() for x in values.values()]
    return [x.clone() for x in (*step.model.state_dict().values(), *moments)]


@pytest.mark.parametrize(
    "arguments",
    [{"norm": True}, {"amsgrad": True}, {"contrast": True}, {"step": {"clip": 0.1, "clip_per": "tensor"}}],
    ids=["running statistics", "amsgrad", "contrast", "clip per tensor"],
)
@pytest.mark.parametrize("balancer", [FixedWeights(), ParetoGradientModulator()])
def test_a_refused_step_leaves_buffers_and_moments_as_they_were(
    arguments: dict[str, Any], balancer: Balancer, build: Build, batch: Batch
) -> None:
    step = build(balancer, **arguments)
    assert float(step(batch).broken) == 0
    before = state(step)
    spoilt = {m: torch.full_like(x, torch.inf) for m, x in batch.features.items()}
    assert float(step(replace(batch, features=spoilt)).broken) == 1
    assert all(torch.equal(a, b) for a, b in zip(before, state(step), strict=True))
    assert float(step(batch).broken) == 0
    assert not any(torch.equal(a, b) for a, b in zip(before, state(step), strict=True))


def test_amsgrad_divides_by_the_largest_mean_square_so_far(build: Build, batch: Batch) -> None:
    plain, ams = build(), build(amsgrad=True)
    for features in (batch.features, *[{m: 1e-3 * x for m, x in batch.features.items()}] * 3):
        plain(replace(batch, features=features))
        ams(replace(batch, features=features))
    held = ams.optimizer.state_dict()["state"][0]
    assert (held["max_exp_avg_sq"] >= held["exp_avg_sq"]).all()
    assert not torch.equal(plain.model.encoders["text"].weight, ams.model.encoders["text"].weight)


class Slowed(DominantModality):
    """One factor for each encoder, whatever the batch."""

    def factors(self, means: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        return {group: torch.tensor(0.25 * place) for place, group in enumerate(self.groups.values())}


def modulated(build: Build, noise: bool = False, start: int = 0, group: str = "encoder {}") -> TrainingStep:
    step = build()
    step.modulation = Slowed({m: group.format(m) for m in step.model.task.modalities}, 0.5, start, noise)
    return step


def test_modulation_scales_the_gradients_of_its_groups_after_clipping(build: Build, batch: Batch) -> None:
    clip = {"clip": 0.3}
    free, step = gradients(build(step=clip), batch), modulated(build)
    step.update.clip = 0.3
    step.begin_epoch(0)
    slowed = gradients(step, batch)
    for place, m in enumerate(step.model.task.modalities):
        for kind in ("weight", "bias"):
            name = f"encoders.{m}.{kind}"
            assert torch.equal(slowed[name], 0.25 * place * free[name])
    others = [n for n in free if not n.startswith("encoders.")]
    assert others and all(torch.equal(slowed[n], free[n]) for n in others)


def test_modulation_begins_with_its_epoch_and_is_written_down(build: Build, batch: Batch) -> None:
    step = modulated(build, start=1)
    names = []
    for epoch in range(3):
        step.begin_epoch(epoch)
        record = step(batch)
        names.append([n for n in record.names if n.startswith("modulation/")])
    expected = [f"modulation/encoder {m}" for m in step.model.task.modalities]
    assert names == [[], expected, expected]
    assert record.values[-3:].tolist() == [0.0, 0.25, 0.5]


def test_noise_is_as_large_as_the_gradient_varies_and_starts_anew_in_every_epoch(build: Build, batch: Batch) -> None:
    torch.manual_seed(3)
    ends = []
    for drawn in (3, 8):
        quiet, loud = modulated(build), modulated(build, noise=True)
        for step in (quiet, loud):
            torch.manual_seed(5)
            step.begin_epoch(0)
            torch.randn(drawn)  # dropout draws from the same numbers, differently in every process
        without, with_noise = gradients(quiet, batch), gradients(loud, batch)
        ends.append(with_noise)
        name = "encoders.visual.weight"
        noise = (with_noise[name] - without[name]) / without[name].std()
        assert 0.3 < float(noise.std()) < 3 and torch.equal(with_noise["pair.weight"], without["pair.weight"])
    assert all(torch.equal(a, b) for a, b in zip(ends[0].values(), ends[1].values(), strict=True))


def test_a_group_that_does_not_exist_is_named(build: Build, batch: Batch) -> None:
    step = modulated(build, group="encodr {}")
    step.begin_epoch(0)
    with pytest.raises(UsageError, match=r"'encodr text'.*'encoder text'"):
        step(batch)


def test_a_modality_that_is_ahead_is_slowed_by_how_far_it_is(batch: Batch, task: TaskSpec) -> None:
    rule = DominantModality({m: m for m in task.modalities}, alpha=0.4)
    right = torch.nn.functional.one_hot(batch.labels.clamp(min=0), 3).double()
    strength = dict(zip(task.modalities, (3.0, 1.0, 0.0), strict=True))
    output = Output(right, {m: s * right for m, s in strength.items()})
    means = {m: p.total / p.count for m, p in rule.parts(output, batch).items()}
    scores = {m: torch.tensor(s).exp() / (torch.tensor(s).exp() + 2) for m, s in strength.items()}
    for m, score in scores.items():
        assert float(means[m]) == pytest.approx(float(score), rel=1e-6)
    factors = rule.factors(means)
    for m in ("text", "audio"):
        assert float(factors[m]) == pytest.approx(float(1 - torch.tanh(0.4 * scores[m] / scores["visual"])), rel=1e-6)
    assert float(factors["visual"]) == 1.0


def test_a_modality_that_nobody_has_keeps_its_gradients_and_sets_no_measure(batch: Batch, task: TaskSpec) -> None:
    rule = DominantModality({m: m for m in task.modalities}, alpha=0.4)
    factors = rule.factors({"text": torch.tensor(0.5), "audio": torch.tensor(0.25), "visual": torch.tensor(0.0)})
    assert float(factors["visual"]) == float(factors["audio"]) == 1.0
    assert float(factors["text"]) == pytest.approx(float(1 - torch.tanh(torch.tensor(0.8))))
    nobody = rule.factors(dict.fromkeys(task.modalities, torch.tensor(0.0)))
    assert [float(f) for f in nobody.values()] == [1.0, 1.0, 1.0]
