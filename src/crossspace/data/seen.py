"""Which utterances have features from an encoder that was trained on their own labels."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow.compute as pc

from crossspace.data.corpus import Corpus
from crossspace.data.split import ALL
from crossspace.data.store.schema import ENCODER_PREFIX, SEEN_PREFIX

CLIPS = "clips"
"""Name of the extractors whose features are addresses of files, and not to be learned from."""


def seen_utterances(corpus: Corpus, split: str | None) -> dict[str, int]:
    """``{modality: utterances of a split}`` of this kind, for the modalities that have any."""
    table, counts = corpus.utterances(split), {}
    for modality in corpus.spec.widths:
        name = SEEN_PREFIX + modality
        if name in table.column_names:
            # Asked of the labels that are here now: they may have come after the features.
            seen = pc.and_(pc.fill_null(table[name], False), pc.is_valid(table["label"]))
            counts[modality] = int(np.count_nonzero(seen.to_numpy()))
    return {modality: count for modality, count in counts.items() if count}


def seen_by_split(corpus: Corpus) -> dict[str, dict[str, int]]:
    """The same of every split that has any."""
    return {split: seen for split in corpus.splits if (seen := seen_utterances(corpus, split))}


def encoders_of(corpus: Corpus) -> dict[str, dict[str, int]]:
    """``{modality: {fine-tuned encoder: utterances}}`` of the modalities whose features come from any."""
    table, found = corpus.utterances(ALL), {}
    for modality in corpus.spec.widths:
        name = ENCODER_PREFIX + modality
        if name in table.column_names:
            counts = Counter(encoder for encoder in table[name].to_pylist() if encoder is not None)
            found[modality] = dict(sorted(counts.items()))
    return found


def seen_in_words(counts: dict[str, int]) -> str:
    """``412 (text)``."""
    return ", ".join(f"{count:,} ({modality})" for modality, count in counts.items())
