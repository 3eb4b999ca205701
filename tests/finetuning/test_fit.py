from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from crossspace.data.corpus import Corpus
from crossspace.errors import CrossspaceWarning, TrainingError, UsageError
from crossspace.features.finetuned.settings import FineTuning
from crossspace.features.finetuned.text import base_checkpoint, reader_of
from crossspace.features.text.passages import Passage
from crossspace.finetuning.fit import Fit
from crossspace.finetuning.material import Texts
from crossspace.finetuning.network import TextEmotion, check_adapters
from crossspace.finetuning.plan import Plan
from crossspace.runtime import seed_everything
from crossspace.training.event import Event

Make = Callable[..., Fit]


@pytest.fixture
def fit_in(corpus: Corpus, plan: Callable[..., Plan], tmp_path: Path) -> Make:
    """Builds a fit, by the name of its folder."""

    def build(
        name: str,
        on_event: Callable[[Event], None] = lambda event: None,
        dtype: torch.dtype = torch.float32,
        **changes: object,
    ) -> Fit:
        made = plan()
        settings = replace(made.settings, **changes)  # type: ignore[arg-type]
        seed_everything(0)
        material, labels = Texts(settings), corpus.spec.labels
        checkpoint = material.checkpoint(made.base)
        network = material.network(checkpoint, len(labels)).to(dtype)
        parts = [material.labelled(corpus.split(split), labels, checkpoint) for split in ("train", "validation")]
        (tmp_path / name).mkdir(exist_ok=True)
        return Fit(network, *parts, corpus.spec.labels, settings, tmp_path / name, 0, on_event)

    return build


class KilledError(Exception):
    pass


@pytest.mark.parametrize("adapters", [4, 0])
def test_a_training_that_is_interrupted_ends_with_the_same_weights(fit_in: Make, tmp_path: Path, adapters: int) -> None:
    rate = 5e-3 if adapters else 1e-3

    def kill(event: Event) -> None:
        if event.epoch == 1 and event.step == 2:
            raise KilledError

    straight = fit_in("straight", adapters=adapters, learning_rate=rate)
    best = straight.run()
    assert best.score > 0.6  # it learned something
    with pytest.raises(KilledError):
        fit_in("killed", kill, adapters=adapters, learning_rate=rate).run()
    resumed = fit_in("killed", adapters=adapters, learning_rate=rate)
    assert resumed.run() == best
    for name, value in straight.network.trained().items():
        assert torch.equal(value, resumed.network.trained()[name])
    steps = [[r for r in _lines(tmp_path / name) if '"step"' in r] for name in ("straight", "killed")]
    assert steps[0] == steps[1]


def _lines(folder: Path) -> list[str]:
    return (folder / "history.jsonl").read_text(encoding="utf-8").splitlines()


def test_only_adapters_and_classifier_are_trained(fit_in: Make) -> None:
    fit = fit_in("adapters")
    before = {name: p.clone() for name, p in fit.network.named_parameters()}
    fit.run()
    moved = {n for n, p in fit.network.named_parameters() if not torch.equal(p, before[n])}
    assert moved == {n for n in before if "lora_" in n or n.startswith("classifier.")}


def test_a_batch_in_parts_makes_the_same_step(fit_in: Make) -> None:
    gradients = []
    for parts in (1, 3):
        fit = fit_in(f"parts-{parts}", dtype=torch.float64, accumulate=parts, dropout=0.0)
        fit.weights = torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
        fit._backward(list(range(8)))
        gradients.append(torch.cat([p.grad.flatten() for p in fit.network.parameters() if p.grad is not None]))
    torch.testing.assert_close(gradients[0], gradients[1], rtol=0, atol=1e-6)


def test_too_little_memory_halves_the_batch_and_is_said_once(fit_in: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    roomy, tight = fit_in("roomy", dropout=0.0), fit_in("tight", dropout=0.0)
    forward = TextEmotion.forward

    def limited(network: TextEmotion, passages: list) -> torch.Tensor:
        if network is tight.network and len(passages) > 2:
            raise torch.OutOfMemoryError
        return forward(network, passages)

    monkeypatch.setattr(TextEmotion, "forward", limited)
    with pytest.warns(CrossspaceWarning, match="too little memory for a whole batch") as told:
        losses = [tight._backward(range(8)), tight._backward(range(8))]
    assert len(told) == 1
    assert losses[0] == pytest.approx(roomy._backward(range(8)), rel=1e-5)
    monkeypatch.setattr(TextEmotion, "forward", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError))
    with pytest.raises(TrainingError, match="too little memory for a single utterance"):
        tight._backward(range(8))


def test_a_loss_that_is_not_finite_ends_the_training(fit_in: Make) -> None:
    fit = fit_in("wild")
    with torch.no_grad():
        fit.network.classifier.weight.fill_(float("inf"))
    with pytest.raises(TrainingError, match="the loss is nan"):
        fit.run()


def test_the_turns_around_an_utterance_are_read(fit_in: Make, plan: Callable[..., Plan]) -> None:
    fit = fit_in("context", context_turns=1)
    reader = reader_of(base_checkpoint(plan().base, None), 48, True)
    fit.network.eval()
    with torch.no_grad():
        one, other = fit.network.states(
            reader.read([Passage("yes", "A", (("B", "hooray"),)), Passage("yes", "A", (("B", "how dare"),))])
        )
    assert not torch.allclose(one, other)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"adapters": -1}, "adapters"),
        ({"tokens": 3}, "tokens"),
        ({"pooling": "max"}, "pooling"),
        ({"epochs": 0, "batch_size": 0}, "epochs.*\n.*batch_size"),
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"precision": "fp16"}, "precision"),
    ],
)
def test_settings_that_cannot_be_are_refused_together(values: dict, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        FineTuning(**values)


def test_a_network_without_a_place_for_adapters_is_refused(plan: Callable[..., Plan]) -> None:
    checkpoint = base_checkpoint(plan().base, None)
    other = torch.nn.Sequential(torch.nn.Linear(2, 2))
    other.config = SimpleNamespace(hidden_size=2)  # type: ignore[assignment]
    with pytest.raises(UsageError, match="has none of these names; adapt all linear maps"):
        check_adapters(checkpoint._replace(model=other), plan().settings)
    other.config = SimpleNamespace()  # type: ignore[assignment]
    with pytest.raises(UsageError, match="should say how wide its states are"):
        check_adapters(checkpoint._replace(model=other), plan().settings)
