"""One step on a few conversations before a training: new code should fail before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crossspace.balance.base import Balancer
from crossspace.batching.collate import batch_of
from crossspace.errors import UsageError
from crossspace.inference.infer import infer
from crossspace.models.base import Model
from crossspace.training.class_weights import class_weights
from crossspace.training.options import TrainingOptions
from crossspace.training.rates import Rates
from crossspace.training.step import TrainingStep

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus

CONVERSATIONS = 2
"""So many, the shortest: enough for what pairs conversations, and nobody waits for it."""


def rehearse(corpus: Corpus, options: TrainingOptions, model: Model, balancer: Balancer) -> None:
    """Take one training step and predict its conversations; the model is no use afterwards.

    Args:
        corpus: as the training sees it.
        options: of the training.
        model: freshly initialised.
        balancer: a fresh one.

    Raises:
        UsageError: the step was refused, or one of its numbers is not finite.
    """
    lengths = corpus.lengths("train")
    chosen = sorted(sorted(range(len(lengths)), key=lengths.__getitem__)[:CONVERSATIONS])
    batch = batch_of(corpus, "train", chosen)
    model.prepare([batch])
    weights = class_weights(options, corpus.labels("train"), len(corpus.spec.labels))
    step = TrainingStep(
        model, balancer, Rates(model, options, 1).optimizer, weights, options.clip, clip_per=options.clip_per
    )
    step.begin_epoch(0)
    model.train()
    record = step(batch)
    if float(record.broken):
        ids = corpus.conversation_ids("train")
        raise UsageError(
            f"Model {model.name!r}: a first step, on the conversations {[ids[i] for i in chosen]}, gave a loss or a "
            "gradient that is not finite, and the features are: look for a division by zero, or a logarithm of it, in "
            "the model, its objectives or the balancer."
        )
    infer(model.eval(), [batch])
