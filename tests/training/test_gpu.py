"""On a GPU: the step of the processor, recorded or not, and nobody waits for it in between."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from crossspace.balance import FixedWeights, ParetoGradientModulator
from crossspace.batching.batch import Batch
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.css import CSS
from crossspace.runtime import seed_everything
from crossspace.training.devices import Devices
from crossspace.training.options import TrainingOptions
from crossspace.training.step import TrainingStep
from crossspace.training.trainer import Trainer
from tests.training.recorded import Run, check_same

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


def test_tf32_is_refused_where_there_is_none() -> None:
    with pytest.raises(UsageError, match="'tf32' is one of CUDA devices"):
        Devices("cpu").fabric("tf32")


@needs_gpu
@pytest.mark.parametrize(
    "balancer", [FixedWeights(), ParetoGradientModulator(), ParetoGradientModulator("representation")]
)
def test_a_step_waits_for_nothing(balancer: FixedWeights, task: TaskSpec, make_batch: Callable[..., Batch]) -> None:
    model = CSS(task, width=16, heads=2, fusion={"rank": 4}).cuda()
    step = TrainingStep(model, balancer, torch.optim.Adam(model.parameters(), fused=True), clip=1.0)
    batch = make_batch(task, (4, 1, 5, 3)).to("cuda")
    step(batch)  # what is set up once may wait
    torch.cuda.set_sync_debug_mode("error")
    try:
        step(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.fixture
def make(task: TaskSpec, make_batch: Callable[..., Batch]) -> Callable[..., Run]:
    return partial(Run, task, make_batch, device="cuda")


BALANCING = [
    FixedWeights([0.5, 2.0, 1.0]),
    ParetoGradientModulator(),
    ParetoGradientModulator("representation"),
    ParetoGradientModulator(apply="unit", every=2),
]


@needs_gpu
@pytest.mark.parametrize("balancer", BALANCING)
def test_recorded_steps_are_the_ordinary_ones(balancer: FixedWeights, make: Callable[..., Run]) -> None:
    ours, theirs = (make(graphs, balancer, clip=0.5) for graphs in (True, False))
    check_same(ours, theirs)
    assert ours.step.recorded >= 2
    # Those of the processor too.
    ours, theirs = make(True, balancer, clip=0.5), make(True, balancer, clip=0.5, device="cpu")
    for a, b in zip(ours.take(), theirs.take(), strict=True):
        torch.testing.assert_close(a.values.cpu(), b.values, rtol=1e-8, atol=1e-8)


@needs_gpu
def test_a_batch_is_copied_to_the_device_without_waiting_for_it(
    task: TaskSpec, make_batch: Callable[..., Batch]
) -> None:
    batches = [make_batch(task, (4, 4), missing=0.2, seed=seed) for seed in range(20)]
    torch.cuda.set_sync_debug_mode("error")
    try:
        moved = [batch.to("cuda", non_blocking=True) for batch in batches]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for there, here in zip(moved, batches, strict=True):
        assert all(torch.equal(there.features[m].cpu(), x) for m, x in here.features.items())
        assert torch.equal(there.labels.cpu(), here.labels) and there.complete == here.complete


SLOWLY = {"learning_rate": 2**-20}
"""Kernels may add in another order every time; Adam would make much of that where gradients are small."""


@needs_gpu
@pytest.mark.parametrize(
    "options",
    [
        {"dtype": torch.float32, "training": SLOWLY},
        {"dtype": torch.float32, "training": SLOWLY, "autocast": partial(torch.autocast, "cuda", torch.bfloat16)},
        {"training": {"schedule": "cosine", "warmup": 0.2, "optimizer": "adamw", "amsgrad": True}},
    ],
)
def test_a_repeated_step_is_one_that_is_taken_in_the_ordinary_way(
    options: dict[str, Any], make: Callable[..., Run]
) -> None:
    # Filled up both times, so that dropout draws the same numbers.
    ours, theirs = (make(True, ParetoGradientModulator(), dropout=0.3, **options) for _ in range(2))
    theirs.step.recorder.record = lambda step: step
    for a, b in zip(ours.take(), theirs.take(), strict=True):
        torch.testing.assert_close(a.values, b.values, rtol=1e-4, atol=1e-4)


@needs_gpu
def test_dropout_of_a_repeated_step_is_another_every_time(make: Callable[..., Run]) -> None:
    run = make(True, FixedWeights(), dropout=0.5, training={"learning_rate": 1e-12})
    run.take([(4, 4)] * 9, 2)
    batch = run.batch((4, 4))
    losses = [float(run.step(batch).values[0]) for _ in range(5)]
    assert len(set(losses)) == 5


@needs_gpu
def test_a_training_with_graphs_ends_like_one_without(tiny_corpus: Corpus, tmp_path: Path) -> None:
    ends = []
    for graphs in (True, False):
        seed_everything(0)
        # The rate is one that float32 holds.
        options = TrainingOptions(epochs=4, batch_size=3, learning_rate=2**-9, graphs=graphs)
        model = CSS(tiny_corpus.spec, width=8, heads=2, dropout=0.0)
        folder = tmp_path / str(graphs)
        folder.mkdir()
        trainer = Trainer(
            Devices("cuda").fabric("float32"), tiny_corpus, model, ParetoGradientModulator(), options, folder, seed=0
        )
        trainer.fit()
        ends.append(trainer)
    assert ends[0].step.recorded >= 1
    torch.testing.assert_close(ends[0].model.state_dict(), ends[1].model.state_dict(), rtol=1e-2, atol=1e-2)


@needs_gpu
def test_recording_moves_nothing(make: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    run = make(True, ParetoGradientModulator(), dropout=0.3)
    run.take([(4, 4)] * 9, 1)
    seen = []
    record = run.recorder.record

    def watched(step: Callable[[], Any]) -> Callable[[], Any]:
        states = []
        replay = None
        for _ in range(2):
            moments = run.rates.optimizer.state_dict()["state"]
            states.append(copy.deepcopy([run.model.state_dict(), moments, torch.cuda.get_rng_state()]))
            replay = replay or record(step)
        torch.testing.assert_close(states[1], states[0], rtol=0, atol=0)
        seen.append(True)
        return replay

    monkeypatch.setattr(run.recorder, "record", watched)
    run.take([(4, 4)] * 9, 3)
    assert seen == [True]


@needs_gpu
@pytest.mark.parametrize("before", [True, False], ids=["recorded", "ordinary"])
def test_a_recorded_training_goes_on_from_a_checkpoint(before: bool, make: Callable[..., Run]) -> None:
    balancer = ParetoGradientModulator(every=2)
    straight, first, second = make(True, balancer), make(before, balancer), make(True, balancer)
    straight.take(until=4)
    first.take(until=4)
    file = io.BytesIO()
    torch.save(first.state(), file)
    file.seek(0)
    second.go_on(first.model, torch.load(file, weights_only=True, map_location="cpu"))
    check_same(second, straight)


@needs_gpu
@pytest.mark.parametrize("balancer", BALANCING)
def test_a_repeated_step_waits_for_nothing(balancer: FixedWeights, make: Callable[..., Run]) -> None:
    run = make(True, balancer, clip=1.0)
    run.take([(4, 4)] * 9, 4)
    batches = [run.batch(shape) for shape in ((4, 4), (5, 3), (2, 2, 2))]
    torch.cuda.set_sync_debug_mode("error")
    try:
        for batch in batches:
            run.rates.set(5)
            run.step(batch)
    finally:
        torch.cuda.set_sync_debug_mode("default")
