"""The training loop, one for every model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from lightning_fabric import Fabric
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from crossspace.balance.base import Balancer
from crossspace.batching.batch import Batch
from crossspace.batching.collate import batch_of
from crossspace.data.corpus import Corpus
from crossspace.errors import TrainingError
from crossspace.models.base import Model
from crossspace.runtime import seed_everything
from crossspace.training.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from crossspace.training.checks import check_training, deciding_split
from crossspace.training.class_weights import class_weights
from crossspace.training.event import Best, Event
from crossspace.training.history import History, step_line
from crossspace.training.options import TrainingOptions
from crossspace.training.order import in_order, shuffled
from crossspace.training.processes import reducer, share
from crossspace.training.rates import Rates
from crossspace.training.scoring import score_split
from crossspace.training.step import TrainingStep
from crossspace.training.step_record import StepRecord

_LOOK_EVERY = 16
"""Steps between two looks at whether a step was refused, on devices where looking means waiting."""


class Trainer:
    """Trains one model with one seed.

    The order of events: the model measures the training split; then per epoch, conversations in a new order, one
    :class:`TrainingStep` per batch; the deciding split is scored; the best weights so far are saved; the history is
    written; the checkpoint is written. A training that is killed anywhere goes on from its last checkpoint and ends
    with the same numbers and weights.

    Args:
        fabric: devices, precision and processes.
        corpus: with labels in the training split and in the deciding one.
        model: freshly initialised.
        balancer: weighs the objectives of the model.
        options: everything else.
        folder: receives ``config.json``, ``model.safetensors``, ``history.jsonl`` and the checkpoint.
        seed: orders conversations; the caller has seeded the model with it.
        history: where steps and epochs are written.
        on_event: called after every step and epoch.
    """

    def __init__(
        self,
        fabric: Fabric,
        corpus: Corpus,
        model: Model,
        balancer: Balancer,
        options: TrainingOptions,
        folder: Path,
        seed: int,
        history: History | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        self.fabric, self.corpus, self.options, self.folder, self.seed = fabric, corpus, options, folder, seed
        self.history = history or History(folder / "history.jsonl")
        self.on_event = on_event
        self.train_split, self.deciding_split = "train", deciding_split(options)
        # Nothing is left to hold out for, so the validation conversations are trained on too, as published figures do.
        if self.deciding_split == "test":
            self.corpus = corpus.with_splits(dict.fromkeys(corpus.conversation_ids("validation"), "train"))
        check_training(self.corpus, options, model, fabric.world_size)
        self.lengths = self.corpus.lengths(self.train_split)
        self.steps_per_epoch = -(-len(self.lengths) // options.batch_size)
        # Before the move to the device, so that what a model measures is the same on any.
        model.prepare(in_order(self.corpus, self.train_split))
        self.model = model.to(fabric.device)
        self.averaged = _averaged(self.model, options.averaging)
        self.rates = Rates(self.model, options, options.epochs * self.steps_per_epoch)
        self.step = TrainingStep(
            self.model,
            balancer,
            self.rates.optimizer,
            class_weights=self._class_weights(),
            clip=options.clip,
            autocast=fabric.autocast,
            reduce=reducer(),
            clip_per=options.clip_per,
        )
        self.best = Best()

    def fit(self) -> Best:
        """Train to the end, or on from the checkpoint in the folder, and return the epoch that was kept.

        Raises:
            TrainingError: a loss is not finite; the message names the conversations of the batch.
        """
        start = self._resume()
        for epoch in range(start, self.options.epochs):
            began = time.monotonic()
            records = self.train_epoch(epoch)
            decided = self._decide(epoch)
            decided["seconds"] = time.monotonic() - began
            # The weights are saved by then: a kill in between repeats the epoch and saves them again.
            self._save(epoch, [*records, decided])
            self._tell(epoch, self.steps_per_epoch, decided)
            if self._is_stale(epoch):
                break
        self.history.close()
        return self.best

    def discard_checkpoint(self) -> None:
        """Remove the checkpoint, once the caller has written down that this seed is finished."""
        if self.fabric.is_global_zero:
            (self.folder / CHECKPOINT).unlink(missing_ok=True)

    def train_epoch(self, epoch: int) -> list[dict[str, Any]]:
        """One pass over the training split; returns the records of its steps."""
        # Randomness depends on seed and epoch alone, so that a resumed epoch repeats the interrupted one. A balancer
        # draws the same numbers in every process, dropout draws others.
        common = (self.seed * 1_000_003 + epoch) * 1_009
        seed_everything(common)
        self.step.begin_epoch(epoch)
        seed_everything(common + self.fabric.global_rank)
        self.model.train()
        steps: list[tuple[StepRecord, float, list[int]]] = []
        for number, indices in enumerate(self._orders(epoch)):
            rate = self.rates.set(epoch * self.steps_per_epoch + number)
            record = self.step(*self._micro_batches(indices))
            if self.averaged is not None:
                self.averaged.update_parameters(self.model)
            steps.append((record, rate, indices))
            # On an accelerator a look waits for all steps that are under way.
            if self.fabric.device.type == "cpu" or number % _LOOK_EVERY == 0:
                self._check(epoch, steps[-_LOOK_EVERY:])
                self._tell(epoch, number + 1, self._as_record(epoch, number, record, rate))
        self._check(epoch, steps)
        return [self._as_record(epoch, number, record, rate) for number, (record, rate, _) in enumerate(steps)]

    def _micro_batches(self, indices: Sequence[int]) -> list[Batch]:
        """This process's part of a batch, divided; at least one part, which may be empty."""
        mine = share(indices, self.lengths, self.fabric.global_rank, self.fabric.world_size)
        count = min(self.options.accumulate, len(mine))  # further parts would be empty
        parts = [part for number in range(count) if (part := share(mine, self.lengths, number, count))]
        return [batch_of(self.corpus, self.train_split, part).to(self.fabric.device) for part in parts or [mine]]

    def _as_record(self, epoch: int, number: int, record: StepRecord, rate: float) -> dict[str, Any]:
        step = epoch * self.steps_per_epoch + number
        return step_line(self.seed, epoch, step, rate, record.names, record.values.tolist())

    def _check(self, epoch: int, steps: Sequence[tuple[StepRecord, float, list[int]]]) -> None:
        for record, _, indices in steps:
            if float(record.broken):
                ids = self.corpus.conversation_ids(self.train_split)
                values = dict(zip(record.names, record.values.tolist(), strict=True))
                losses = ", ".join(f"{k.split('/')[1]} = {v}" for k, v in values.items() if k.startswith("losses/"))
                raise TrainingError(
                    f"Seed {self.seed}, epoch {epoch}: a loss or its gradient is not finite ({losses}). Conversations "
                    f"of the batch: {', '.join(ids[i] for i in indices)}. The update was refused and the last good "
                    f"state is in {self.folder}. Look at these conversations with 'crossspace data validate', or train "
                    "with a lower learning rate or with clipping."
                )

    def _decide(self, epoch: int) -> dict[str, Any]:
        """Score the deciding split and keep the weights when they are the best so far."""
        model = self._to_keep()
        result, loss = score_split(model, self.corpus, self.deciding_split)
        self.rates.look(float(result.weighted_f1), loss)
        # Strictly: of equal epochs the earlier one stays.
        better = result.weighted_f1 > self.best.score
        if better:
            self.best = Best(epoch, float(result.weighted_f1))
            if self.fabric.is_global_zero:
                model.save(self.folder)
        return {
            "kind": "epoch",
            "seed": self.seed,
            "epoch": epoch,
            "split": self.deciding_split,
            "scores": {
                "weighted_f1": float(result.weighted_f1),
                "accuracy": float(result.accuracy),
                "loss": loss,
            },
            "best": better,
        }

    def _save(self, epoch: int, records: Sequence[dict[str, Any]]) -> None:
        if not self.fabric.is_global_zero:
            return
        state = {
            "epoch": epoch + 1,
            "model": self.model.state_dict(),
            "averaged": None if self.averaged is None else self.averaged.state_dict(),
            "rates": self.rates.state_dict(),
            "step": self.step.state_dict(),
            "best": vars(self.best).copy(),
            # The length of the file is part of the state: what is written later is cut off when the training goes on.
            "history": self.history.append(records),
        }
        save_checkpoint(self.folder, state)

    def _resume(self) -> int:
        state = load_checkpoint(self.folder)
        if state is None:
            # Lines without a checkpoint are of an epoch that begins again.
            self.history.truncate(0)
            return 0
        self.model.load_state_dict(state["model"])
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
        self.rates.load_state_dict(state["rates"])
        self.step.load_state_dict(state["step"])
        self.best = Best(**state["best"])
        self.history.truncate(state["history"])
        # It had stopped early; there is nothing left to train.
        return self.options.epochs if self._is_stale(state["epoch"] - 1) else int(state["epoch"])

    def _is_stale(self, epoch: int) -> bool:
        return self.options.patience is not None and epoch - self.best.epoch >= self.options.patience

    def _to_keep(self) -> Model:
        return self.model if self.averaged is None else cast(Model, self.averaged.module)

    def _orders(self, epoch: int) -> Iterator[list[int]]:
        return shuffled(len(self.lengths), self.options.batch_size, self.seed * 1_000_003 + epoch)

    def _class_weights(self) -> Tensor | None:
        labels, truth = self.corpus.spec.labels, self.corpus.labels(self.train_split)
        weights = class_weights(self.options, truth, len(labels))
        return None if weights is None else weights.to(self.fabric.device)

    def _tell(self, epoch: int, step: int, record: dict[str, Any]) -> None:
        if self.on_event is not None and self.fabric.is_global_zero:
            self.on_event(Event(epoch, self.options.epochs, step, self.steps_per_epoch, record, self.best))


def _averaged(model: Model, decay: float) -> AveragedModel | None:
    """A copy that follows ``model`` as the exponential moving average of its weights; None where it is not wanted."""
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)) if decay else None
