"""Training steps that are recorded once for each shape of batch and then repeated without Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from crossspace.balance.base import Balancer
from crossspace.batching.batch import Batch
from crossspace.batching.buckets import Bucket, Filled, LengthsError
from crossspace.errors import UnsuitableError, UsageError
from crossspace.models.base import Model
from crossspace.training.checks import objectives_of
from crossspace.training.recorders import Recorder, Step
from crossspace.training.step import TrainingStep
from crossspace.training.step_record import StepRecord

_LONG = 512
"""A batch with a longer conversation is not bound by launches, and keeps more memory than a graph should."""
MOST = 32
"""Graphs that are kept at most; each has a batch of its own in memory."""

_Kind = tuple[Any, ...]
"""All that Python decides about a step: steps of one kind do the same on other numbers."""


@dataclass(eq=False)
class _Kept:
    """Steps of one kind.

    Attributes:
        filled: the memory of their batches.
        ran: one was taken in the ordinary way.
        replay: repeats the recorded one, when there is one.
        alive: tensors that modules keep besides parameters and buffers. A graph reads them by address, so that they
            have to stay where they are when a module makes itself another.
    """

    filled: Filled
    ran: bool = False
    replay: Step | None = None
    alive: list[Tensor] | None = None


class GraphedStep:
    """A :class:`~crossspace.training.step.TrainingStep` that is recorded and repeated, launches and all, at one call.

    A batch is filled up to a :class:`~crossspace.batching.buckets.Bucket`, which changes neither its losses nor its
    gradients. The first step of a bucket is taken in the ordinary way, and counts; at the second one it is recorded:
    forward, backward passes, weights of the objectives, clipping, dropout, the optimizer, and the refusal of what is
    not finite. From then on a batch is copied in and the recording repeated. Buckets beyond the ``most`` that are kept
    are filled up too, and not recorded; a batch with a conversation of more than 512 utterances is taken as it is.

    Learning rates are read where the optimizer keeps them, as tensors. When other settings of it change, when a
    modulation starts, and between steps that renew the weights of the objectives and those that do not, there is
    another recording. :meth:`load_state_dict` forgets them all; whoever loads the state of the optimizer calls it
    afterwards.

    Args:
        step: what is recorded, whose optimizer is capturable and has tensors as learning rates.
        recorder: repeats it.
        most: recordings that are kept.

    Raises:
        UsageError: the step holds something that cannot be recorded (:func:`check_graphs`).
    """

    def __init__(self, step: TrainingStep, recorder: Recorder, most: int = MOST) -> None:
        check_graphs(step.model, step.balancer, processes=1 if step.reduce is None else 2)
        groups = step.optimizer.param_groups
        if not all(group["capturable"] and isinstance(group["lr"], Tensor) for group in groups):
            raise ValueError("A recorded step needs an optimizer with `capturable=True` and tensors as learning rates.")
        self.step, self.recorder, self.most = step, recorder, most
        # It warns where it is not recorded, as the first steps are not.
        step.optimizer._warned_capturable_if_run_uncaptured = True
        parameter = next(step.model.parameters())
        self._weights = torch.zeros(len(step.objectives), dtype=torch.float64, device=parameter.device)
        self._kept: dict[_Kind, _Kept] = {}

    def begin_epoch(self, epoch: int) -> None:
        """Called at the start of every epoch, as of an ordinary step."""
        self.step.begin_epoch(epoch)

    def state_dict(self) -> dict[str, Any]:
        """That of the ordinary step, which may go on from it."""
        return self.step.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where either kind of step was saved."""
        # The optimizer has other tensors now than those that were recorded.
        self._kept.clear()
        self.step.load_state_dict(state)
        self._settle()

    @property
    def recorded(self) -> int:
        """How many kinds of steps are recorded."""
        return sum(kept.replay is not None for kept in self._kept.values())

    def __call__(self, *batches: Batch) -> StepRecord:
        """Train on a batch.

        Raises:
            UsageError: there are several micro-batches, or the model asks for the lengths of conversations.
        """
        if len(batches) != 1:
            raise UsageError(_refused(f"a batch should come in one part. Found {len(batches)}", "`accumulate: 1`"))
        (batch,), count = batches, self.step.count
        bucket = Bucket.of(batch.lengths.tolist())
        try:
            record = self._run(lambda: batch) if bucket.longest > _LONG else self._of_bucket(bucket, batch)
        except (LengthsError, NotImplementedError) as error:
            if not isinstance(error, LengthsError) and "meta tensor" not in str(error):
                raise
            raise UnsuitableError(_lengths_asked(self.step.model)) from error
        # Python takes no part in a repeated step.
        self.step.count = count + 1
        return record

    def _of_bucket(self, bucket: Bucket, batch: Batch) -> StepRecord:
        kind = self._kind(bucket)
        kept = self._kept.get(kind)
        if kept is None:
            kept = _Kept(Filled(bucket, batch))
            if len(self._kept) < self.most:
                self._kept[kind] = kept
        kept.filled.take(batch)
        run = partial(self._run, kept.filled.batch)
        if kept.ran and kept.replay is None:
            # Checked when it was taken in the ordinary way; checking waits for the device.
            self.step.checked = True
            kept.replay, kept.alive = self.recorder.record(run), _attributes(self.step.model)
        record = self.recorder.warm_up(run) if kept.replay is None else kept.replay()
        kept.ran = True
        # The next one overwrites it.
        return StepRecord(record.names, record.values.clone(), record.broken.clone())

    def _run(self, batch: Callable[[], Batch]) -> StepRecord:
        record = self.step(batch())
        self._settle()
        return record

    def _settle(self) -> None:
        """Keep the weights of the objectives where every recording finds them."""
        if self.step.weights is not None and self.step.weights is not self._weights:
            self._weights.copy_(self.step.weights)
            self.step.weights = self._weights

    def _kind(self, bucket: Bucket) -> _Kind:
        groups = self.step.optimizer.param_groups
        settings = [tuple(v for k, v in group.items() if k not in ("params", "lr")) for group in groups]
        return bucket, self.step.renews, self.step.forward.modulation is not None, *settings


def check_graphs(model: Model, balancer: Balancer, accumulate: int = 1, processes: int = 1) -> None:
    """Whether a step can be recorded.

    Args:
        model: with or without weights.
        balancer: of its objectives.
        accumulate: micro-batches of a batch.
        processes: that train together.

    Raises:
        UnsuitableError: the model or the balancer does not allow it.
        UsageError: micro-batches or processes do not.
    """
    count, modulation = len(objectives_of(model)), model.modulation()
    if accumulate > 1:
        raise UsageError(_refused(f"a batch should come in one part. Found {accumulate}", "`accumulate: 1`"))
    if processes > 1:
        raise UsageError(_refused("a single process should train. Found several", "`--processes 1`"))
    if not model.fillable:
        raise UnsuitableError(_lengths_asked(model))
    if not balancer.on_device(count):
        raise UnsuitableError(
            _refused(
                f"the balancer {balancer.name!r} should weigh {count} objectives on the device and keep nothing "
                "between steps. It does not",
                "'pgm' with three objectives at most, or 'fixed'",
            )
        )
    if modulation is not None and modulation.noise:
        raise UnsuitableError(
            _refused(f"the modulation of model {model.name!r} should add no noise. It does", "a model without")
        )


def _lengths_asked(model: Model) -> str:
    return _refused(
        f"model {model.name!r}, with its arguments, should not depend on the lengths of conversations and the number "
        "of rows, which filling changes. It does",
        "css with Transformers as encoders and without `corruption.swap`, or sdt",
    )


def _refused(why: str, instead: str) -> str:
    return f"With `training.graphs` {why}. Use {instead}, or `--training.graphs false`."


def _attributes(model: Model) -> list[Tensor]:
    """Tensors that modules keep as plain attributes, such as tables that grow."""
    return [value for module in model.modules() for value in vars(module).values() if isinstance(value, Tensor)]
