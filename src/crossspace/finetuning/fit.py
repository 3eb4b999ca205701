"""One fine-tuning of one encoder with one seed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from crossspace.errors import CrossspaceWarning, TrainingError, UsageError
from crossspace.evaluation.scores import scores
from crossspace.features.finetuned.settings import FineTuning
from crossspace.finetuning.material import Labelled
from crossspace.finetuning.network import Emotion
from crossspace.runtime import seed_everything
from crossspace.training.checkpoint import load_checkpoint, save_checkpoint
from crossspace.training.class_weights import inverse_frequency
from crossspace.training.event import Best, Event
from crossspace.training.history import History
from crossspace.training.schedule import learning_rate_factor

_SMALLER = "Fine-tune with fewer --tokens, with adapters, or with a smaller encoder."
_SORTED_TOGETHER = 64
"""Batches whose utterances are sorted by length together: neighbours of a batch are as long, and batches still vary."""


class Fit:
    """Trains an encoder and keeps the epoch that is best in validation.

    A fit that is killed anywhere goes on from its last epoch and ends with the same weights: the order of utterances
    and everything that is drawn depend on seed and epoch alone.

    Args:
        network: with the classifier freshly initialised.
        train, validation: what it learns from, and what chooses the epoch.
        names: of the labels.
        settings: everything else.
        folder: receives the history and the checkpoint.
        seed: of the order and of dropout.
        on_event: called after every step and epoch.
    """

    def __init__(
        self,
        network: Emotion,
        train: Labelled,
        validation: Labelled,
        names: Sequence[str],
        settings: FineTuning,
        folder: Path,
        seed: int,
        on_event: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self.network, self.train, self.validation, self.names = network, train, validation, tuple(names)
        self.settings, self.folder, self.seed, self.on_event = settings, folder, seed, on_event
        self.history = History(folder / "history.jsonl")
        self.steps = -(-len(train.labels) // settings.batch_size)
        head = list(network.classifier.parameters())
        rest = [p for p in network.encoder.parameters() if p.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [{"params": rest, "rate": settings.learning_rate}, {"params": head, "rate": settings.head_rate}],
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
            fused=True,
        )
        weights = inverse_frequency(train.labels, len(self.names), settings.class_weights)
        self.weights = weights.to(network.device)
        self.best = Best()
        self.kept: dict[str, Tensor] = {}
        self._divided = settings.accumulate

    def run(self) -> Best:
        """Train to the end, or on from the checkpoint; the network then has the weights of the epoch that was kept.

        Raises:
            TrainingError: a loss is not finite.
        """
        for epoch in range(self._resume(), self.settings.epochs):
            began = time.monotonic()
            records = self._epoch(epoch)
            record = self._decide(epoch)
            record["seconds"] = time.monotonic() - began
            self._save(epoch, [*records, record])
            self.on_event(Event(epoch, self.settings.epochs, self.steps, self.steps, record, self.best))
        self.network.load_trained(self.kept)
        return self.best

    def _epoch(self, epoch: int) -> list[dict[str, Any]]:
        seed_everything((self.seed * 1_000_003 + epoch) * 1_009)
        self.network.train()
        records = []
        for number, rows in enumerate(self._batches(epoch)):
            step = epoch * self.steps + number
            factor = learning_rate_factor("cosine", step, self.settings.epochs * self.steps, self.settings.warmup)
            for group in self.optimizer.param_groups:
                group["lr"] = group["rate"] * factor
            loss = self._step(rows)
            if not np.isfinite(loss):
                raise self._diverged(epoch, f"the loss is {loss}")
            record = {
                "kind": "step",
                "seed": self.seed,
                "epoch": epoch,
                "step": step,
                "learning_rate": self.settings.learning_rate * factor,
                "losses": {"emotion": loss},
            }
            records.append(record)
            self.on_event(Event(epoch, self.settings.epochs, number + 1, self.steps, record, self.best))
        return records

    def _diverged(self, epoch: int, what: str) -> TrainingError:
        return TrainingError(
            f"Seed {self.seed}, epoch {epoch}: {what}. The last good state is in {self.folder}. Fine-tune with a lower "
            "learning rate."
        )

    def _step(self, rows: Sequence[int]) -> float:
        total = self._backward(rows)
        self._check_adapted()
        parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, self.settings.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return total

    def _check_adapted(self) -> None:
        """Whether the encoder takes any part; its library may compute around what it was given.

        Raises:
            UsageError: no gradient reaches an adapter.
        """
        # Before the first step they are all zero, so that only one of each pair has a gradient other than zero.
        if not any(p.grad is not None for p in self.optimizer.param_groups[0]["params"]):
            raise UsageError(
                "The encoder computes around the adapters of its attention, as WavLM does: they would learn nothing. "
                "Put them beside all linear maps (--adapted all), or train the weights (--adapters 0)."
            )

    def _backward(self, rows: Sequence[int]) -> float:
        """The loss of a batch and its gradients; in more parts, from here on, where the memory of the device ends."""
        drawn = torch.get_rng_state()
        while True:
            try:
                return self._backward_in_parts(rows)
            except torch.OutOfMemoryError:
                if self._divided >= len(rows):
                    raise TrainingError(
                        f"The device has too little memory for a single utterance. {_SMALLER} The last good state is "
                        f"in {self.folder}."
                    ) from None
            self.optimizer.zero_grad(set_to_none=True)
            torch.set_rng_state(drawn)
            if self._divided == self.settings.accumulate:
                warnings.warn(
                    CrossspaceWarning(
                        "The device has too little memory for a whole batch: it is computed in parts, and the steps "
                        "are those of whole batches."
                    ),
                    stacklevel=2,
                )
            self._divided *= 2

    def _backward_in_parts(self, rows: Sequence[int]) -> float:
        labels = torch.from_numpy(self.train.labels[list(rows)]).to(self.network.device)
        whole, total, at = self.weights[labels].sum(), 0.0, 0
        for part in _parts(rows, self._divided):
            truth = labels[at : at + len(part)]
            at += len(part)
            with self._autocast():
                logits = self.network([self.train.items[i] for i in part])
            losses = F.cross_entropy(logits.float(), truth, reduction="none")
            loss = (losses * self.weights[truth]).sum() / whole
            loss.backward()
            total += loss.item()
        return total

    def _decide(self, epoch: int) -> dict[str, Any]:
        size = max(1, self.settings.batch_size // self._divided)
        logits = logits_of(self.network, self.validation.items, self.settings.precision, size)
        if not np.isfinite(logits).all():
            raise self._diverged(epoch, "what the network says in validation is not finite")
        result = scores(self.validation.labels, logits.argmax(1), self.names)
        loss = float(F.cross_entropy(torch.from_numpy(logits), torch.from_numpy(self.validation.labels)))
        # Strictly: of equal epochs the earlier one stays.
        better = float(result.weighted_f1) > self.best.score
        if better:
            self.best = Best(epoch, float(result.weighted_f1))
            self.kept = {name: value.cpu().clone() for name, value in self.network.trained().items()}
        return {
            "kind": "epoch",
            "seed": self.seed,
            "epoch": epoch,
            "split": "validation",
            "scores": {"weighted_f1": float(result.weighted_f1), "accuracy": float(result.accuracy), "loss": loss},
            "best": better,
        }

    def _save(self, epoch: int, records: Sequence[dict[str, Any]]) -> None:
        state = {
            "epoch": epoch + 1,
            "trained": self.network.trained(),
            "kept": self.kept,
            "optimizer": self.optimizer.state_dict(),
            "best": vars(self.best).copy(),
            "divided": self._divided,
            "history": self.history.append(records),
        }
        save_checkpoint(self.folder, state)

    def _resume(self) -> int:
        state = load_checkpoint(self.folder)
        if state is None:
            self.history.truncate(0)
            return 0
        self.network.load_trained(state["trained"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.kept = Best(**state["best"]), state["kept"]
        self._divided = int(state["divided"])
        self.history.truncate(state["history"])
        return int(state["epoch"])

    def _batches(self, epoch: int) -> Iterator[list[int]]:
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + epoch)
        order = torch.randperm(len(self.train.labels), generator=generator).tolist()
        size, lengths = self.settings.batch_size, [len(p) for p in self.train.items]
        batches = []
        for start in range(0, len(order), size * _SORTED_TOGETHER):
            piece = sorted(order[start : start + size * _SORTED_TOGETHER], key=lambda i: lengths[i])
            batches += [piece[at : at + size] for at in range(0, len(piece), size)]
        for number in torch.randperm(len(batches), generator=generator).tolist():
            yield batches[number]

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.network.device.type, torch.bfloat16, enabled=self.settings.precision == "bf16")


@torch.inference_mode()
def logits_of(network: Emotion, items: Sequence[Any], precision: str, batch: int) -> np.ndarray:
    """(N, C) float32 logits of items, so many at once, or fewer where the memory of the device ends."""
    network.eval()
    order = sorted(range(len(items)), key=lambda i: len(items[i]))
    found = np.zeros((len(items), network.classifier.out_features), np.float32)
    at = 0
    while at < len(order):
        rows = order[at : at + batch]
        try:
            with torch.autocast(network.device.type, torch.bfloat16, enabled=precision == "bf16"):
                found[rows] = network([items[i] for i in rows]).float().cpu().numpy()
        except torch.OutOfMemoryError:
            if batch == 1:
                raise TrainingError(f"The device has too little memory for a single utterance. {_SMALLER}") from None
            batch = -(-batch // 2)
            continue
        at += len(rows)
    return found


def _parts(rows: Sequence[int], count: int) -> list[Sequence[int]]:
    size = -(-len(rows) // count)
    return [rows[at : at + size] for at in range(0, len(rows), size)]
