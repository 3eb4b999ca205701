"""A trained model tested with modalities missing: all of one, or one in some of the utterances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
import torch

from crossspace.batching.batch import Batch
from crossspace.data.corpus import Corpus
from crossspace.inference.infer import infer
from crossspace.predict import Predictor

ANY = "any"
"""One modality of each chosen utterance, drawn at random."""


def condition_name(modality: str, rate: float) -> str:
    """How the table of predictions calls a condition."""
    return f"{modality}@{rate:g}"


def parse_condition(name: str) -> tuple[str, float]:
    """Undo :func:`condition_name`."""
    # From the right: the name of a modality may have the sign itself.
    modality, _, rate = name.rpartition("@")
    return modality, float(rate)


def hidden(modality: str, rate: float, rows: int, modalities: Sequence[str], seed: int = 0) -> Mapping[str, np.ndarray]:
    """``{modality: (N,) bool}``, what is hidden.

    The draws do not depend on ``rate``: who misses a modality at 10 % misses it at 20 % too, so that a curve over
    rates shows the rates and not the draws.
    """
    generator = np.random.default_rng(seed)
    # One draw per utterance, compared with the rate: a higher rate adds to the same utterances.
    chosen = generator.random(rows) < rate
    # Drawn even where it is not needed, so that all modalities are hidden in the same utterances.
    which = generator.integers(len(modalities), size=rows)
    return {
        m: chosen & (which == index) if modality == ANY else chosen & (m == modality)
        for index, m in enumerate(modalities)
    }


def conditions_of(modalities: Sequence[str], rates: Sequence[float]) -> list[tuple[str, float]]:
    """Every modality, and any, at every rate; every modality missing throughout."""
    # A rate of 1 is the last line for every modality; that any one is missing everywhere is no such line.
    partly = [(m, rate) for m in (*modalities, ANY) for rate in rates if rate < 1]
    return partly + [(m, 1.0) for m in modalities]


def predictions_under(
    predictor: Predictor, corpus: Corpus, rates: Sequence[float], seed: int, split: str = "test"
) -> pa.Table:
    """One row per condition and utterance: ``condition``, ``seed``, ``split``, ids, ``label`` and ``truth``."""
    # Read once for all conditions.
    batches = list(predictor.batches(corpus, split))
    modalities, labels = predictor.task.modalities, predictor.task.labels
    utterances = corpus.utterances(split)
    rows = utterances.num_rows
    tables = []
    for modality, rate in conditions_of(modalities, rates):
        mask = hidden(modality, rate, rows, modalities, seed)
        predicted = infer(predictor.model, _masked(batches, mask)).probabilities.argmax(1)
        tables.append(
            pa.table(
                {
                    "condition": pa.array([condition_name(modality, rate)] * rows),
                    "seed": pa.array(np.full(rows, seed)),
                    "split": pa.array([split] * rows),
                    "conversation_id": utterances["conversation_id"],
                    "utterance_id": utterances["utterance_id"],
                    "label": pa.array([labels[i] for i in predicted]),
                    "truth": utterances["label"],
                }
            )
        )
    return pa.concat_tables(tables)


def _masked(batches: Sequence[Batch], mask: Mapping[str, np.ndarray]) -> Iterator[Batch]:
    at = 0
    for batch in batches:
        part = slice(at, at + len(batch))
        present = {m: p & ~torch.from_numpy(mask[m][part]) for m, p in batch.present.items()}
        at += len(batch)
        # Whether everything is present was known of the batch before some was hidden.
        yield replace(batch, present=present, complete=None)
