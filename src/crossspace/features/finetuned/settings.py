"""How an encoder is fine-tuned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from crossspace.errors import UsageError

Others = Literal["all", "folds"]
ALL: Literal["all"] = "all"
FOLDS: Literal["folds"] = "folds"
"""The encoder of all training conversations; and the mean of those of the folds, which stands in for it."""
SEEDS: Literal["seeds"] = "seeds"
"""The mean over all seeds, of a fine-tuning that is done."""
Output = Literal["states", "logits", "both"]
OUTPUTS = ("states", "logits", "both")
"""What becomes the features: what the classifier sees, what it says, or one behind the other."""
Pooling = Literal["own", "cls"]
Adapted = Literal["attention", "all"]
Precision = Literal["float32", "bf16"]


@dataclass(frozen=True)
class FineTuning:
    """The settings of ``crossspace finetune``.

    Attributes:
        layers: how many layers of the encoder are computed, the first ones; all of them when not given.
        adapters: rank of the low-rank adapters that are trained in the place of the weights (Hu et al. 2022, *LoRA*);
            0 trains the weights themselves.
        adapted: beside which linear maps adapters stand: ``attention``, those to queries and values, or ``all``.
        context_turns: earlier utterances of the conversation that are read before an utterance.
        later_turns: later ones that are read behind it. An encoder with any is not causal: what it says of an utterance
            waits for what comes after.
        tokens: that are read at most; the utterance comes first, then the nearest turns.
        pooling: ``own`` is the mean over the tokens of the utterance itself, ``cls`` the state of the first token.
        epochs: the most; validation chooses which is kept.
        batch_size: utterances in a batch.
        accumulate: parts into which a batch is divided, for less memory; without dropout the step is the same but for
            rounding.
        learning_rate: the largest, of adapters or weights.
        head_rate: that of the classifier.
        weight_decay: of AdamW.
        warmup: fraction of the steps in which the rates rise; they fall along a cosine afterwards.
        dropout: on the adapters' input and before the classifier; that of the network itself stays as its configuration
            has it, but for its attention, which drops nothing.
        class_weights: power of the inverse frequency of a label by which its utterances count, 0 to 1.
        clip: largest norm of the gradient.
        precision: ``bf16`` computes in half the width where that is safe, ``float32`` never.
    """

    layers: int | None = None
    adapters: int = 16
    adapted: Adapted = "attention"
    context_turns: int = 0
    later_turns: int = 0
    tokens: int = 128
    pooling: Pooling = "own"
    epochs: int = 4
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 5e-4
    head_rate: float = 2e-3
    weight_decay: float = 0.01
    warmup: float = 0.1
    dropout: float = 0.1
    class_weights: float = 0.3
    clip: float = 1.0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        faults = [
            f"`{name}` should be {expected}. Found {getattr(self, name)!r}."
            for name, expected, fine in (
                ("layers", "at least 1 or none", self.layers is None or self.layers >= 1),
                ("adapters", "a rank of at least 1, or 0 for the weights themselves", self.adapters >= 0),
                ("adapted", "'attention' or 'all'", self.adapted in ("attention", "all")),
                ("context_turns", "at least 0", self.context_turns >= 0),
                ("later_turns", "at least 0", self.later_turns >= 0),
                ("tokens", "at least 8", self.tokens >= 8),
                ("pooling", "'own' or 'cls'", self.pooling in ("own", "cls")),
                ("epochs", "at least 1", self.epochs >= 1),
                ("batch_size", "at least 1", self.batch_size >= 1),
                ("accumulate", "at least 1", self.accumulate >= 1),
                ("learning_rate", "a number above 0", 0 < self.learning_rate < math.inf),
                ("head_rate", "a number above 0", 0 < self.head_rate < math.inf),
                ("weight_decay", "a number of at least 0", 0 <= self.weight_decay < math.inf),
                ("warmup", "a fraction between 0 and 1", 0 <= self.warmup < 1),
                ("dropout", "at least 0 and below 1", 0 <= self.dropout < 1),
                ("class_weights", "a power between 0 and 1", 0 <= self.class_weights <= 1),
                ("clip", "a number above 0", 0 < self.clip < math.inf),
                ("precision", "'float32' or 'bf16'", self.precision in ("float32", "bf16")),
            )
            if not fine
        ]
        if faults:
            raise UsageError("\n".join(faults))

    @property
    def is_causal(self) -> bool:
        """Whether an utterance is read without what comes after it."""
        return self.later_turns == 0
