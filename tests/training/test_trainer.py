"""The loop: resuming, refusing, averaging, choosing."""

from __future__ import annotations

import errno
import itertools
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from crossspace.balance import (
    FAMO,
    IMTLL,
    Balancer,
    DynamicWeightAverage,
    FixedWeights,
    NashMTL,
    ParetoGradientModulator,
    PCGrad,
    RandomWeights,
    UncertaintyWeights,
)
from crossspace.batching.batch import Batch
from crossspace.batching.collate import batch_of
from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.data.task import UNLABELLED
from crossspace.errors import CrossspaceError, TrainingError, UsageError
from crossspace.models import MODELS, Model
from crossspace.runtime import seed_everything
from crossspace.training.checkpoint import CHECKPOINT
from crossspace.training.devices import Devices
from crossspace.training.event import Event
from crossspace.training.options import TrainingOptions
from crossspace.training.trainer import Trainer

OPTIONS = TrainingOptions(epochs=3, batch_size=3, learning_rate=0.01)
SMALL = {"css": {"width": 8, "heads": 2, "fusion": {"order": 2, "rank": 4}, "dropout": 0.3}}
Make = Callable[..., Trainer]


class Stop(Exception):
    """An interruption."""


@pytest.fixture
def make(tiny_corpus: Corpus, tmp_path: Path, example: type[Model]) -> Make:
    def build(
        folder: str = "seed",
        corpus: Corpus = tiny_corpus,
        model: str = "css",
        arguments: dict[str, Any] | None = None,
        every: int = 1,
        balancer: Callable[[], Balancer] | None = None,
        on_event: Callable[[Event], None] | None = None,
        seed: int = 0,
        checkpoint_seconds: float = 0.0,
        **options: Any,
    ) -> Trainer:
        seed_everything(seed)
        chosen = replace(OPTIONS, **options)
        kind = {**MODELS, "example": example}[model]
        made = kind(corpus.spec, **{**SMALL.get(model, {}), **(arguments or {})})
        (tmp_path / folder).mkdir(exist_ok=True)
        fabric = Devices("cpu").fabric(chosen.precision)
        weighing = balancer() if balancer else ParetoGradientModulator(every=every)
        return Trainer(
            fabric,
            corpus,
            made,
            weighing,
            chosen,
            tmp_path / folder,
            seed,
            on_event=on_event,
            checkpoint_seconds=checkpoint_seconds,
        )

    return build


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def history(folder: Path) -> list[dict]:
    lines = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds"} for line in lines]


def after(count: int) -> Callable[[Event], None]:
    """Interrupts at the ``count``-th event."""
    seen: list[Event] = []

    def on_event(event: Event) -> None:
        seen.append(event)
        if len(seen) == count:
            raise Stop

    return on_event


VARIANTS = {
    "plain": {},
    "averaging": {"averaging": 0.7, "every": 2, "clip": 0.5, "optimizer": "adamw"},
    "recurrent": {"arguments": {"encoder": "gru", "standardise": True}, "schedule": "one-cycle"},
    "dwa": {"balancer": DynamicWeightAverage, "epochs": 4},
    "uncertainty": {
        "balancer": lambda: UncertaintyWeights(learning_rate=0.1),
        "schedule": "cosine",
        "class_weights": "balanced",
    },
    "nash-mtl": {"balancer": lambda: NashMTL(every=2)},
    "pcgrad": {"balancer": PCGrad},
    "imtl-l": {"balancer": lambda: IMTLL(learning_rate=0.1)},
    "famo": {"balancer": lambda: FAMO(learning_rate=0.1), "accumulate": 2},
    "famo, norm, dropout": {
        "model": "example",
        "arguments": {"norm": True, "dropout": 0.2},
        "balancer": lambda: FAMO(learning_rate=0.1),
    },
    "random": {"balancer": RandomWeights},
    "micro-batches": {"accumulate": 2},
    "plateau": {"schedule": "plateau", "plateau_patience": 1, "plateau_on": "loss", "epochs": 4, "amsgrad": True},
    "everything handed on": {
        "model": "example",
        "arguments": {"norm": True, "modulated": True, "dropout": 0.2, "factors": {"shift": 0.1, "encoder text": 3.0}},
        "clip": 0.05,
        "clip_per": "tensor",
    },
}


# Within an epoch, after it, within the next, late in the one after; four events make one.
INTERRUPTIONS = (1, 7, 4, 11)


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_interrupted_training_ends_bitwise_as_one_that_was_not(make: Make, tmp_path: Path, variant: str) -> None:
    arguments = VARIANTS[variant]
    straight = make("straight", **arguments)
    straight.fit()
    states = [p.clone() for p in straight.model.state_dict().values()]
    # Where it was stopped has little to do with what is trained: each variant at one place, the plain one at all.
    place = INTERRUPTIONS[list(VARIANTS).index(variant) % len(INTERRUPTIONS)]
    for event in INTERRUPTIONS if variant == "plain" else (place,):
        folder = f"broken {event}"
        with pytest.raises(Stop):
            make(folder, on_event=after(event), **arguments).fit()
        torch.randn(5)  # the new process has drawn other numbers
        resumed = make(folder, **arguments)
        best = resumed.fit()
        assert (best.epoch, best.score) == (straight.best.epoch, straight.best.score)
        assert weights(tmp_path / folder) == weights(tmp_path / "straight")
        assert history(tmp_path / folder) == history(tmp_path / "straight")
        for a, b in zip(states, resumed.model.state_dict().values(), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("variant", ["plain", "pcgrad", "dwa", "everything handed on"])
def test_it_does_not_matter_where_the_last_checkpoint_was_written(make: Make, tmp_path: Path, variant: str) -> None:
    arguments = VARIANTS[variant]
    make("straight", **arguments).fit()
    # Asked for after every step but the last of an epoch, and after every epoch: three times an epoch.
    for due in (0, 1, 2, 3, 5):
        folder = f"broken {due}"
        trainer = make(folder, on_event=after(10), checkpoint_seconds=math.inf, **arguments)
        asked = itertools.count()
        trainer.checkpoints.is_due = lambda asked=asked, due=due: next(asked) == due  # type: ignore[method-assign]
        with pytest.raises(Stop):
            trainer.fit()
        assert (tmp_path / folder / CHECKPOINT).exists()
        torch.randn(5)
        make(folder, checkpoint_seconds=math.inf, **arguments).fit()
        assert weights(tmp_path / folder) == weights(tmp_path / "straight")
        assert history(tmp_path / folder) == history(tmp_path / "straight")


def test_a_training_that_ends_before_a_checkpoint_is_due_has_its_weights_and_its_state(
    make: Make, tmp_path: Path
) -> None:
    make("often").fit()
    make("never", checkpoint_seconds=math.inf).fit()
    assert weights(tmp_path / "never") == weights(tmp_path / "often")
    assert history(tmp_path / "never") == history(tmp_path / "often")
    again = make("never", on_event=after(1)).fit()  # nothing is left to do, and so nothing happens
    assert again.epoch == make("often").fit().epoch


@pytest.mark.parametrize("balancer", [UncertaintyWeights, DynamicWeightAverage])
def test_what_a_balancer_remembers_changes_its_weights(
    make: Make, tmp_path: Path, balancer: Callable[[], Balancer]
) -> None:
    make(balancer=balancer, epochs=3).fit()
    steps = [line["weights"] for line in history(tmp_path / "seed") if line["kind"] == "step"]
    assert set(steps[0].values()) == {1.0} and set(steps[-1].values()) != {1.0}


def test_early_stopping_holds_after_an_interruption_too(make: Make, tmp_path: Path) -> None:
    arguments = {"epochs": 40, "patience": 2, "learning_rate": 1e-9}
    straight = make("straight", **arguments)
    assert straight.fit().epoch == 0
    assert [line["epoch"] for line in history(tmp_path / "straight") if line["kind"] == "epoch"] == [0, 1, 2]
    with pytest.raises(Stop):
        make("broken", on_event=after(12), **arguments).fit()
    make("broken", **arguments).fit()
    assert history(tmp_path / "broken") == history(tmp_path / "straight")


def test_a_seed_repeats_itself_and_another_does_not(make: Make, tmp_path: Path) -> None:
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        make(folder, seed=seed).fit()
    assert weights(tmp_path / "a") == weights(tmp_path / "b") != weights(tmp_path / "c")


def test_events_come_after_every_step_and_every_epoch(make: Make) -> None:
    events: list[Event] = []
    make(on_event=events.append).fit()
    assert [e.record["kind"] for e in events] == (["step"] * 3 + ["epoch"]) * 3
    assert [e.step for e in events] == [1, 2, 3, 3] * 3 and {e.steps for e in events} == {3}


def test_the_kept_weights_are_those_of_the_best_epoch(make: Make, tmp_path: Path) -> None:
    kept: dict[int, dict] = {}

    def keep(event: Event) -> None:
        if event.record["kind"] == "epoch":
            kept[event.epoch] = {k: v.clone() for k, v in trainer.model.state_dict().items()}

    trainer = make(on_event=keep, epochs=6, learning_rate=0.05)
    best = trainer.fit()
    scores = [line["scores"]["weighted_f1"] for line in history(tmp_path / "seed") if line["kind"] == "epoch"]
    assert best.score == max(scores) and best.epoch == int(np.argmax(scores))
    saved = Model.from_pretrained(tmp_path / "seed").state_dict()
    assert all(torch.equal(saved[k], v) for k, v in kept[best.epoch].items())


def spoilt(corpus: Corpus, value: float) -> tuple[Corpus, str]:
    """The corpus with one training conversation whose features overflow."""
    parts = {split: list(corpus.split(split)) for split in corpus.splits}
    victim = next(c for c in parts["train"] if all("text" in u.features for u in c.utterances))
    said = [replace(u, features={**u.features, "text": np.full(4, value, np.float32)}) for u in victim.utterances]
    parts["train"][parts["train"].index(victim)] = Conversation(victim.id, tuple(said))
    return Corpus(parts, corpus.spec, name="spoilt"), victim.id


def test_a_loss_that_is_not_finite_names_the_conversations_and_leaves_the_last_good_state(
    make: Make, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    corpus, victim = spoilt(tiny_corpus, 3e38)
    make(epochs=1).fit()
    before = weights(tmp_path / "seed")
    checkpoint = (tmp_path / "seed" / CHECKPOINT).read_bytes()
    trainer = make(corpus=corpus)
    with pytest.raises(TrainingError, match=victim) as caught:
        trainer.fit()
    assert "epoch 1" in str(caught.value) and "train-" in str(caught.value)
    assert len([c for c in tiny_corpus.conversation_ids("train") if c in str(caught.value)]) <= 3
    assert weights(tmp_path / "seed") == before and (tmp_path / "seed" / CHECKPOINT).read_bytes() == checkpoint
    assert all(torch.isfinite(p).all() for p in trainer.model.parameters())


def test_a_full_disk_leaves_a_state_from_which_training_goes_on(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("straight").fit()
    real, calls = os.replace, []

    def full(source: Any, target: Any) -> None:
        calls.append(target)
        if len(calls) > 4:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(CrossspaceError, match="No space left"):
            make("broken").fit()
    Model.from_pretrained(tmp_path / "broken")
    make("broken").fit()
    assert weights(tmp_path / "broken") == weights(tmp_path / "straight")
    assert history(tmp_path / "broken") == history(tmp_path / "straight")


def test_best_on_test_trains_on_validation_conversations_and_looks_at_the_test_split(
    make: Make, tiny_corpus: Corpus
) -> None:
    trainer = make(protocol="best-on-test")
    assert trainer.deciding_split == "test"
    assert len(trainer.lengths) == 7 + 2
    assert set(tiny_corpus.conversation_ids("validation")) <= set(trainer.corpus.conversation_ids("train"))
    assert make().deciding_split == "validation" and len(make().lengths) == 7


@pytest.mark.parametrize(("protocol", "split"), [("validation", "validation"), ("best-on-test", "test")])
def test_the_history_says_which_split_its_scores_belong_to(
    make: Make, tmp_path: Path, protocol: str, split: str
) -> None:
    make(protocol=protocol, epochs=2).fit()
    lines = [line for line in history(tmp_path / "seed") if line["kind"] == "epoch"]
    assert len(lines) == 2
    for line in lines:
        assert line["split"] == split and set(line["scores"]) == {"weighted_f1", "accuracy", "loss"}
        assert protocol == "validation" or "validation" not in json.dumps(line)


def test_the_validation_protocol_does_not_look_at_the_test_split(
    make: Make, tiny_corpus: Corpus, tmp_path: Path
) -> None:
    parts = {split: list(tiny_corpus.split(split)) for split in ("train", "validation")}
    make("with").fit()
    make("without", corpus=Corpus(parts, tiny_corpus.spec)).fit()
    assert weights(tmp_path / "with") == weights(tmp_path / "without")


@pytest.mark.parametrize(
    ("protocol", "lacking"), [("validation", "validation"), ("best-on-test", "test"), ("validation", "train")]
)
def test_a_split_that_is_needed_and_lacks_labels_is_named(
    make: Make, tiny_corpus: Corpus, protocol: str, lacking: str
) -> None:
    parts = {split: list(tiny_corpus.split(split)) for split in tiny_corpus.splits}
    parts[lacking] = [Conversation(c.id, tuple(replace(u, label=None) for u in c.utterances)) for c in parts[lacking]]
    with pytest.raises(UsageError, match=lacking):
        make(corpus=Corpus(parts, tiny_corpus.spec), protocol=protocol)


def test_averaged_weights_are_the_moving_average_of_the_steps(make: Make, tmp_path: Path) -> None:
    decay, steps = 0.6, []

    def watch(event: Event) -> None:
        if event.record["kind"] == "step":
            steps.append(trainer.model.classifier.weight.detach().clone())

    trainer = make(averaging=decay, epochs=1, on_event=watch)
    # an event is told after the average was renewed; its weights are those that entered
    trainer.fit()
    expected = steps[0]
    for step in steps[1:]:
        expected = decay * expected + (1 - decay) * step
    saved = Model.from_pretrained(tmp_path / "seed").classifier.weight
    torch.testing.assert_close(saved, expected)
    assert not torch.equal(saved, trainer.model.classifier.weight)


def test_balanced_class_weights_have_mean_one_over_the_labelled_rows(make: Make, tiny_corpus: Corpus) -> None:
    truth = tiny_corpus.labels("train")
    truth = truth[truth != UNLABELLED]
    found = make(class_weights="balanced").step.class_weights
    assert float(found[truth].mean()) == pytest.approx(1.0, rel=1e-6)
    counts = np.bincount(truth, minlength=4)
    present = counts > 0
    assert np.ptp(found.numpy()[present] * counts[present]) < 1e-3
    assert make(class_weights="none").step.class_weights is None
    assert make(class_weights=[1, 2, 3, 4]).step.class_weights.tolist() == [1, 2, 3, 4]


def test_a_power_of_the_inverse_frequency_lies_between_no_and_balanced_class_weights(
    make: Make, tiny_corpus: Corpus
) -> None:
    truth = tiny_corpus.labels("train")
    truth = truth[truth != UNLABELLED]
    none, third, whole = (make(class_weights=power).step.class_weights.double() for power in (0, 0.3, 1.0))
    assert torch.equal(none, torch.ones(4, dtype=torch.float64))
    assert torch.equal(whole, make(class_weights="balanced").step.class_weights.double())
    assert float(third[truth].mean()) == pytest.approx(1.0, rel=1e-6)
    torch.testing.assert_close(third / third[0], (whole / whole[0]) ** 0.3, rtol=1e-5, atol=0)


def test_class_weights_that_do_not_fit_the_labels_are_refused(make: Make) -> None:
    with pytest.raises(UsageError, match="one number per label"):
        make(class_weights=[1.0, 2.0])


def test_micro_batches_train_as_the_whole_batch_does(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def double(*arguments: Any) -> Batch:
        batch = batch_of(*arguments)
        return replace(batch, features={m: x.double() for m, x in batch.features.items()})

    monkeypatch.setattr("crossspace.training.trainer.batch_of", double)
    ends = []
    for count in (1, 2, 50):  # a batch has three conversations
        trainer = make(f"{count}", accumulate=count, arguments={"dropout": 0.0})
        trainer.model.double()
        assert len(trainer._micro_batches([0, 1, 2])) == min(count, 3)
        trainer.train_epoch(0)
        ends.append(trainer.model.state_dict())
    for other in ends[1:]:
        for name, parameter in ends[0].items():
            torch.testing.assert_close(other[name], parameter, rtol=0, atol=1e-12)


def test_a_group_of_parameters_trains_at_its_own_rate(make: Make) -> None:
    factors = {"shift": 0.0, "encoder text": 10.0}
    trainer = make(model="example", arguments={"factors": factors}, schedule="cosine", balancer=FixedWeights)
    shift = trainer.model.shift.weight.detach().clone()
    trainer.train_epoch(0)
    assert torch.equal(trainer.model.shift.weight, shift)
    rates = {id(p): group["lr"] for group in trainer.rates.optimizer.param_groups for p in group["params"]}
    base = rates[id(trainer.model.classifier.weight)]
    assert 0 < base < OPTIONS.learning_rate and len(rates) == len(list(trainer.model.parameters()))
    for name, parameters in trainer.model.parameter_groups().items():
        assert {rates[id(p)] for p in parameters} == {base * factors.get(name, 1.0)}


@pytest.mark.parametrize(
    ("factors", "fault"),
    [({"shft": 1.0}, "'shift'"), ({"shift": -1.0}, "at least 0"), ({"shift": float("nan")}, "nan")],
)
def test_rate_factors_that_make_no_sense_are_refused(make: Make, factors: dict[str, float], fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        make(model="example", arguments={"factors": factors})


def test_two_groups_with_rates_may_not_share_a_parameter(make: Make, example: type[Model], monkeypatch: Any) -> None:
    every = lambda self: {"all": list(self.parameters()), "shift": list(self.shift.parameters())}  # noqa: E731
    monkeypatch.setattr(example, "parameter_groups", every)
    with pytest.raises(UsageError, match="'all' and 'shift' share"):
        make(model="example", arguments={"factors": {"all": 1.0, "shift": 2.0}})


def test_the_rate_falls_where_the_score_stands_still(make: Make, tmp_path: Path) -> None:
    make(schedule="plateau", plateau_patience=2, plateau_factor=0.5, learning_rate=1e-9, epochs=6).fit()
    rates = [line["learning_rate"] for line in history(tmp_path / "seed") if line["kind"] == "step"][::3]
    assert rates == pytest.approx([1e-9] * 3 + [5e-10] * 2 + [2.5e-10], rel=1e-12)


def test_mixed_precision_trains(make: Make, tmp_path: Path) -> None:
    make("low", precision="bf16").fit()
    make("high").fit()
    low, high = (history(tmp_path / f)[0]["losses"]["fused"] for f in ("low", "high"))
    assert low != high and low == pytest.approx(high, rel=0.05)


def test_scale_of_the_features_is_measured_on_the_training_split_alone(make: Make, tiny_corpus: Corpus) -> None:
    trainer = make(arguments={"standardise": True})
    batch = batch_of(tiny_corpus, "train", range(7))
    rows = batch.features["audio"][batch.present["audio"]]
    torch.testing.assert_close(trainer.model.standardise.mean_audio, rows.mean(0), rtol=1e-4, atol=1e-5)
    scale = 1 / rows.std(0, correction=0)
    torch.testing.assert_close(trainer.model.standardise.scale_audio, scale, rtol=1e-4, atol=1e-5)


def test_fixed_weights_that_do_not_fit_the_objectives_are_refused(make: Make) -> None:
    trainer = make()
    trainer.step.balancer = FixedWeights([1.0])
    with pytest.raises(UsageError, match="1 for 3"):
        trainer.fit()
