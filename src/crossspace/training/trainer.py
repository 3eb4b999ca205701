"""The training loop, one for every model."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
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
from crossspace.training.checkpoint import CHECKPOINT, snapshot
from crossspace.training.checks import check_training, deciding_split
from crossspace.training.class_weights import class_weights
from crossspace.training.event import Best, Event
from crossspace.training.graphs import GraphedStep
from crossspace.training.history import History, step_line
from crossspace.training.options import SECONDS, TrainingOptions
from crossspace.training.order import in_blocks, in_order, shuffled
from crossspace.training.processes import reducer, share
from crossspace.training.randomness import random_states, restore
from crossspace.training.rates import Rates
from crossspace.training.recorders import recorder_on
from crossspace.training.scoring import score_split
from crossspace.training.state import Position, TrainingState
from crossspace.training.step import TrainingStep
from crossspace.training.step_record import StepRecord

_LOOK_EVERY = 16
"""Steps between two looks at whether a step was refused, on devices where looking means waiting."""


class Trainer:
    """Trains one model with one seed.

    The order of events: the model measures the training split; then per epoch, conversations in a new order, one
    :class:`TrainingStep` per batch; the deciding split is scored; the best weights so far are kept. Every so many
    seconds, within an epoch or behind it, the history, the best weights and a checkpoint are written while the training
    goes on. One that is killed anywhere goes on from its last checkpoint and ends with the same numbers and weights.

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
        checkpoint_seconds: between two checkpoints; 0 writes one after every step. It changes no result.
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
        checkpoint_seconds: float = SECONDS,
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
        step = TrainingStep(
            self.model,
            balancer,
            self.rates.optimizer,
            class_weights=self._class_weights(),
            clip=options.clip,
            autocast=fabric.autocast,
            reduce=reducer(),
            clip_per=options.clip_per,
            compare=torch.bfloat16 if options.compare == "bf16" else None,
        )
        self.step = GraphedStep(step, recorder_on(fabric.device)) if options.graphs else step
        self.best = Best()
        self.state = TrainingState(
            folder, self.model, self.averaged, self.rates, self.step, self.history, checkpoint_seconds
        )
        self.checkpoints = self.state.checkpoints
        self._unsaved: dict[str, Tensor] | None = None
        self._within = Position()

    def fit(self) -> Best:
        """Train to the end, or on from the checkpoint in the folder, and return the epoch that was kept.

        Raises:
            TrainingError: a loss is not finite; the message names the conversations of the batch.
        """
        start = self._resume()
        try:
            for epoch in range(start, self.options.epochs):
                began = time.monotonic()
                records = self.train_epoch(epoch)
                decided = self._decide(epoch)
                decided["seconds"] = time.monotonic() - began
                last = self._is_stale(epoch) or epoch + 1 == self.options.epochs
                self._write([*records, decided])
                if self._agree(last or self.checkpoints.is_due()):
                    self._save(Position(epoch + 1))
                self._tell(epoch, self.steps_per_epoch, decided)
                if last:
                    break
        finally:
            self.checkpoints.close()
        self.history.close()
        return self.best

    def discard_checkpoint(self) -> None:
        """Remove the checkpoint, once the caller has written down that this seed is finished."""
        if self.fabric.is_global_zero:
            (self.folder / CHECKPOINT).unlink(missing_ok=True)

    def train_epoch(self, epoch: int) -> list[dict[str, Any]]:
        """One pass over the training split, or the rest of it; returns the records that are not yet written."""
        within, self._within = self._within, Position()
        # Randomness depends on seed and epoch alone, so that a resumed epoch repeats the interrupted one. A balancer
        # draws the same numbers in every process, dropout draws others.
        common = (self.seed * 1_000_003 + epoch) * 1_009
        seed_everything(common)
        self.step.begin_epoch(epoch)
        seed_everything(common + self.fabric.global_rank)
        if within.random is not None:  # interrupted in it: what begins an epoch was done, and is known from then
            self.state.resume_step()
            restore(within.random, self.fabric.global_rank, self.fabric.world_size, self.fabric.device)
        self.model.train()
        steps: list[tuple[StepRecord, float, list[int]]] = []
        written = within.done
        for number, indices in islice(enumerate(self._orders(epoch)), within.done, None):
            rate = self.rates.set(epoch * self.steps_per_epoch + number)
            record = self.step(*self._micro_batches(indices))
            if self.averaged is not None:
                self.averaged.update_parameters(self.model)
            steps.append((record, rate, indices))
            # On an accelerator a look waits for all steps that are under way.
            if self.fabric.device.type == "cpu" or number % _LOOK_EVERY == 0:
                self._check(epoch, steps[-_LOOK_EVERY:])
                if number + 1 < self.steps_per_epoch and self._is_due(number):
                    self._check(epoch, steps)
                    self._write(self._as_records(epoch, written, steps))
                    self._save(Position(epoch, number + 1, random_states(self.fabric.device)))
                    written, steps = number + 1, []
                self._tell(epoch, number + 1, self._as_record(epoch, number, record, rate))
        self._check(epoch, steps)
        return self._as_records(epoch, written, steps)

    def _as_records(
        self, epoch: int, first: int, steps: Sequence[tuple[StepRecord, float, list[int]]]
    ) -> list[dict[str, Any]]:
        return [self._as_record(epoch, number, record, rate) for number, (record, rate, _) in enumerate(steps, first)]

    def _is_due(self, number: int) -> bool:
        """Whether a checkpoint should be written after this step; several processes do not ask each other each time."""
        return (self.fabric.world_size == 1 or number % _LOOK_EVERY == 0) and self._agree(self.checkpoints.is_due())

    def _agree(self, wanted: bool) -> bool:
        """Whether the first process wants it; clocks of several differ, and all have to do the same."""
        return bool(self.fabric.broadcast(wanted)) if self.fabric.world_size > 1 else wanted

    def _micro_batches(self, indices: Sequence[int]) -> list[Batch]:
        """This process's part of a batch, divided; at least one part, which may be empty."""
        mine = share(indices, self.lengths, self.fabric.global_rank, self.fabric.world_size)
        count = min(self.options.accumulate, len(mine))  # further parts would be empty
        parts = [part for number in range(count) if (part := share(mine, self.lengths, number, count))]
        # The host reads the next batch while the device is at work on this one.
        return [batch_of(self.corpus, self.train_split, part).to(self.fabric.device, True) for part in parts or [mine]]

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
        model = self.state.kept
        result, loss = score_split(model, self.corpus, self.deciding_split)
        self.rates.look(float(result.weighted_f1), loss)
        # Strictly: of equal epochs the earlier one stays.
        better = result.weighted_f1 > self.best.score
        if better:
            self.best = Best(epoch, float(result.weighted_f1))
            self._unsaved = snapshot(model.state_dict())
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

    def _write(self, records: Sequence[dict[str, Any]]) -> None:
        if self.fabric.is_global_zero:
            self.state.write(records)

    def _save(self, position: Position) -> None:
        weights, self._unsaved = self._unsaved, None
        if self.fabric.is_global_zero:
            self.state.save(position, self.best, weights)

    def _resume(self) -> int:
        """The epoch to go on with."""
        self._within, self.best = self.state.resume()
        self._check_together()
        began = self._within.epoch > 0 or self._within.done > 0
        # It had stopped early; there is nothing left to train.
        stopped = began and not self._within.done and self._is_stale(self._within.epoch - 1)
        return self.options.epochs if stopped else self._within.epoch

    def _check_together(self) -> None:
        """Whether every process goes on from the same checkpoint.

        Raises:
            TrainingError: one of another machine does not see the folder.
        """
        own = [self._within.epoch, self._within.done]
        first = self.fabric.broadcast(own) if self.fabric.world_size > 1 else own
        if own != first:
            raise TrainingError(
                f"Process {self.fabric.global_rank} should go on from the checkpoint of the first one, epoch "
                f"{first[0]}, step {first[1]}. Found epoch {own[0]}, step {own[1]} in {self.folder}: put the run "
                "folder where all machines see it."
            )

    def _is_stale(self, epoch: int) -> bool:
        return self.options.patience is not None and epoch - self.best.epoch >= self.options.patience

    def _orders(self, epoch: int) -> Iterator[list[int]]:
        seed = self.seed * 1_000_003 + epoch
        if self.options.order == "blocks":
            return in_blocks(self.corpus.blocks(self.train_split).tolist(), self.options.batch_size, seed)
        return shuffled(len(self.lengths), self.options.batch_size, seed)

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
