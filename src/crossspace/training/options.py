"""The arguments of training, as one dataclass that the command line, YAML and the help are made from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from crossspace.errors import UsageError

Protocol = Literal["validation", "best-on-test"]
SECONDS = 30.0
"""Between two checkpoints, and what a training that is killed has to do again. They are not counted in epochs, since a
full state may take longer to write than an epoch to train."""
_CHOICES = {
    "protocol": ("validation", "best-on-test"),
    "order": ("shuffled", "blocks"),
    "optimizer": ("adam", "adamw"),
    "schedule": ("constant", "cosine", "one-cycle", "plateau"),
    "plateau_on": ("score", "loss"),
    "clip_per": ("model", "tensor"),
    "precision": ("float32", "tf32", "bf16"),
    "compare": ("float32", "bf16"),
}


@dataclass(frozen=True)
class TrainingOptions:
    """How a model is trained.

    Attributes:
        protocol: ``validation`` lets held-out training conversations choose the epoch and reads the test split once.
            ``best-on-test`` lets the test split choose, as most published figures do, and trains on the validation
            conversations too; everything made under it says so.
        epochs: the most epochs to train.
        patience: stop when the validation score has not risen for this many epochs; none never stops early.
        batch_size: conversations in a batch, over all processes together.
        order: in which conversations come: ``shuffled`` anew in every epoch; ``blocks`` shuffles pieces of the file and
            the conversations of some pieces at a time, for a corpus that is larger than memory or stands on a store.
        accumulate: parts into which each process divides its share of a batch, for less memory. The step is that of the
            whole batch; it takes one more forward pass.
        optimizer: ``adam`` has its weight decay inside the gradient (the paper), ``adamw`` beside it.
        amsgrad: divide by the largest mean square of the gradients so far (AMSGrad).
        learning_rate: the largest learning rate of the schedule.
        weight_decay: of the optimizer.
        schedule: ``constant``; ``cosine`` down to zero; ``one-cycle`` up and down again; ``plateau`` falls by a factor
            whenever training has stood still on the split that chooses the epoch.
        warmup: fraction of all steps in which the learning rate rises from zero (``one-cycle``: to its peak).
        plateau_factor: what ``plateau`` multiplies the learning rate by.
        plateau_patience: epochs in a row without improvement after which it does.
        plateau_on: what should improve, the ``score`` that chooses the epoch or the ``loss``.
        clip: largest norm of a gradient; none does not clip.
        clip_per: what ``clip`` bounds: the gradient of the whole ``model``, or that of every ``tensor``.
        precision: ``float32``; ``tf32``, whose products of matrices have ten bits behind the point, for GPUs; or
            ``bf16`` for mixed precision.
        compare: precision of the backward passes that only compare the gradients of objectives, ``float32`` or
            ``bf16``. What moves the parameters stays in the precision of training; the weights of the objectives
            move in their third decimal. It saves time where a balancer compares gradients of parameters in float32.
        class_weights: ``none``; ``balanced`` (inverse frequency on the training split, mean one over its rows); a
            number between 0 and 1, the power of the inverse frequency, which lies between the two; or one number per
            label, in label order.
        modalities: train on these modalities of the corpus and know no others; all when not given.
        averaging: decay of an exponential moving average of the weights, which is then what is evaluated and kept;
            0 keeps the weights themselves.
        graphs: record a training step as a CUDA graph for each of a few shapes, to which batches are filled up, and
            repeat it at a single launch. For GPUs, where a step takes less time than its launches. It has not run on a
            GPU yet.
        in_sample: choose the epoch, and test, also on utterances whose features come from an encoder that was trained
            on their labels. Their scores are too high, and everything made from them says so.
    """

    protocol: Protocol = "validation"
    epochs: int = 100
    patience: int | None = None
    batch_size: int = 32
    order: Literal["shuffled", "blocks"] = "shuffled"
    accumulate: int = 1
    optimizer: Literal["adam", "adamw"] = "adam"
    amsgrad: bool = False
    learning_rate: float = 1e-4
    weight_decay: float = 1e-5
    schedule: Literal["constant", "cosine", "one-cycle", "plateau"] = "constant"
    warmup: float = 0.0
    plateau_factor: float = 0.1
    plateau_patience: int = 10
    plateau_on: Literal["score", "loss"] = "score"
    clip: float | None = None
    clip_per: Literal["model", "tensor"] = "model"
    precision: Literal["float32", "tf32", "bf16"] = "float32"
    compare: Literal["float32", "bf16"] = "float32"
    class_weights: Literal["none", "balanced"] | float | Sequence[float] = "none"
    modalities: Sequence[str] | None = None
    averaging: float = 0.0
    graphs: bool = False
    in_sample: bool = False

    def __post_init__(self) -> None:
        faults = [
            f"`{name}` should be {expected}. Found {getattr(self, name)!r}."
            for name, expected, fine in (
                ("epochs", "at least 1", self.epochs >= 1),
                ("patience", "at least 1 or none", self.patience is None or self.patience >= 1),
                ("batch_size", "at least 1", self.batch_size >= 1),
                ("accumulate", "at least 1", self.accumulate >= 1),
                ("plateau_factor", "a number above 0 and below 1", 0 < self.plateau_factor < 1),
                ("plateau_patience", "at least 1", self.plateau_patience >= 1),
                ("learning_rate", "a number above 0", 0 < self.learning_rate < math.inf),
                ("weight_decay", "a number of at least 0", 0 <= self.weight_decay < math.inf),
                ("warmup", "a fraction between 0 and 1", 0 <= self.warmup < 1),
                ("clip", "a number above 0 or none", self.clip is None or 0 < self.clip < math.inf),
                ("averaging", "a decay of at least 0 and below 1", 0 <= self.averaging < 1),
            )
            if not fine
        ]
        faults += [
            f"`{name}` should be {' or '.join(map(repr, known))}. Found {getattr(self, name)!r}."
            for name, known in _CHOICES.items()
            if getattr(self, name) not in known
        ]
        if isinstance(self.class_weights, str):
            fine = self.class_weights in ("none", "balanced")
        elif isinstance(self.class_weights, (int, float)):
            fine = 0 <= self.class_weights <= 1
        else:
            fine = all(math.isfinite(w) and w >= 0 for w in self.class_weights)
        if not fine:
            faults.append(
                "`class_weights` should be 'none', 'balanced', a power between 0 and 1, or one number of at "
                f"least 0 per label. Found {self.class_weights!r}."
            )
        if faults:
            raise UsageError("\n".join(faults))
