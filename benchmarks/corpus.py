"""Random features in the shape of IEMOCAP: as many conversations, as long, as wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from crossspace.batching.batch import Batch
from crossspace.data.task import TaskSpec

WIDTHS = {"text": 1024, "audio": 1582, "visual": 342}
LABELS = ("happy", "sad", "neutral", "angry", "excited", "frustrated")
CONVERSATIONS, UTTERANCES, SHORTEST, MEDIAN, LONGEST = 151, 7433, 8, 47, 110
TRAIN, TRAIN_UTTERANCES, BATCH = 120, 5810, 32


def task(widths: dict[str, int] | None = None) -> TaskSpec:
    """Six emotions, two speakers, three modalities."""
    return TaskSpec(LABELS, widths or WIDTHS, 2)


def conversation_lengths(seed: int = 15) -> list[int]:
    """151 lengths: 8 to 110, median 47, log-normal in between, 7,433 in all and 5,810 in the first 120.

    Of IEMOCAP only these figures are used. With the default seed half of a padded batch is real, as it is there.
    """
    generator = np.random.default_rng(seed)
    draw = np.exp(generator.normal(np.log(MEDIAN), 0.37, size=CONVERSATIONS))
    lengths = np.clip(np.round(draw), SHORTEST + 1, LONGEST - 1).astype(int)
    lengths.sort()
    middle = CONVERSATIONS // 2
    lengths[0], lengths[-1] = SHORTEST, LONGEST
    lengths[: middle + 1] = np.minimum(lengths[: middle + 1], MEDIAN)
    lengths[middle:] = np.maximum(lengths[middle:], MEDIAN)
    lengths[middle] = MEDIAN
    while (missing := UTTERANCES - lengths.sum()) != 0:
        # One utterance at a time, to or from a conversation that stays on its side of the median.
        index = generator.integers(1, CONVERSATIONS - 1)
        new = lengths[index] + np.sign(missing)
        below, above = (SHORTEST, MEDIAN) if index < middle else (MEDIAN, LONGEST)
        if index != middle and below <= new <= above:
            lengths[index] = new
    order = generator.permutation(lengths)
    while order[:TRAIN].sum() != TRAIN_UTTERANCES:
        order = generator.permutation(lengths)
    return order.tolist()


def random_batch(lengths: Sequence[int], spec: TaskSpec, seed: int = 0) -> Batch:
    """Conversations of the given lengths with normal features and random speakers and labels."""
    generator = torch.Generator().manual_seed(seed)
    rows = sum(lengths)
    batch = Batch(
        features={m: torch.randn(rows, d, generator=generator) for m, d in spec.widths.items()},
        present={m: torch.ones(rows, dtype=torch.bool) for m in spec.widths},
        lengths=torch.tensor(lengths),
        speakers=torch.randint(0, 2, (rows,), generator=generator),
        labels=torch.randint(0, len(spec.labels), (rows,), generator=generator),
    )
    return replace(batch, sentiments=batch.labels % len(spec.sentiments))


def train_batches(spec: TaskSpec, shrink: int = 1) -> list[Batch]:
    """The training split of 120 conversations in batches of 32; lengths are divided by ``shrink``."""
    lengths = [max(1, n // shrink) for n in conversation_lengths()[:TRAIN]]
    parts = [lengths[start : start + BATCH] for start in range(0, TRAIN, BATCH)]
    return [random_batch(part, spec, seed) for seed, part in enumerate(parts)]


def held_out_batches(spec: TaskSpec, shrink: int = 1) -> list[Batch]:
    """The test split of 31 conversations, one batch."""
    return [random_batch([max(1, n // shrink) for n in conversation_lengths()[TRAIN:]], spec, seed=99)]


def padding(batches: Sequence[Batch]) -> float:
    """Rows of the padded batches per utterance."""
    padded = sum(len(batch.lengths) * int(batch.lengths.max()) for batch in batches)
    return padded / sum(len(batch) for batch in batches)
