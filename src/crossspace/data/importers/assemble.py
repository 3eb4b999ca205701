"""From columns in any order to a corpus: the last steps that importers share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from crossspace.data.corpus import Corpus
from crossspace.data.cuts.recut import cut_validation
from crossspace.data.cuts.rules import VALIDATION_FRACTION
from crossspace.data.features import ArrayFeatures
from crossspace.data.index import Index
from crossspace.data.rows import index_table
from crossspace.data.store.checks import feature_faults, index_faults, refuse
from crossspace.data.store.metadata import Metadata


def assemble(
    columns: Mapping[str, Sequence[Any]],
    features: Mapping[str, np.ndarray],
    metadata: Metadata,
    *,
    validation_fraction: float = VALIDATION_FRACTION,
    seed: int = 0,
    zero_rows_missing: bool = False,
    faults: Sequence[str] = (),
) -> Corpus:
    """Sort rows by conversation and position, number positions 0, 1, 2, ..., cut validation, check everything.

    Args:
        columns: the columns of :data:`~crossspace.data.store.schema.INDEX_SCHEMA`, each with N values; ``position``
            gives the order only, so any numbers do.
        features: ``{modality: (N, D)}``. A row that is NaN throughout is *missing*; NaN in part is a fault.
        metadata: the description of the corpus.
        validation_fraction, seed: validation conversations are cut from train by
            :func:`~crossspace.data.cuts.recut.cut_validation` when there is a train split and no validation split.
        zero_rows_missing: take rows of nothing but zeros for missing too.
        faults: what the importer has found already; told together with what is found here.

    Raises:
        DataError: the rows do not hold together; every fault is named.
    """
    order = _order(columns["conversation_id"], columns["position"])
    sorted_columns = {name: [values[i] for i in order] for name, values in columns.items()}
    # Before the checks: positions of other programs have gaps or begin with 1, which is no fault here.
    all_faults = [*faults, *_renumber(sorted_columns)]
    table = index_table(sorted_columns)
    all_faults += index_faults(table, metadata.spec.labels, metadata.spec.sentiments)
    values, present = {}, {}
    for modality, array in features.items():
        values[modality], present[modality] = with_missing(array[order], zero_rows_missing)
        names = sorted_columns["utterance_id"]
        all_faults += feature_faults(modality, values[modality], present[modality], names.__getitem__)
    refuse(f"The corpus {metadata.name!r}", all_faults, "Mend the source or the mapping, then import again.")
    corpus = Corpus.from_columns(metadata, Index(table), ArrayFeatures(values, present))
    return cut_validation(corpus, fraction=validation_fraction, seed=seed)


def most_speakers(columns: Mapping[str, Sequence[str]]) -> int:
    """How many speakers the conversation with most of them has."""
    names_by_conversation: dict[str, set[str]] = defaultdict(set)
    for conversation, speaker in zip(columns["conversation_id"], columns["speaker"], strict=True):
        names_by_conversation[conversation].add(speaker)
    return max((len(names) for names in names_by_conversation.values()), default=1)


def _order(conversations: Sequence[str], positions: Sequence[Any]) -> np.ndarray:
    return np.array(sorted(range(len(conversations)), key=lambda i: (conversations[i], positions[i])), dtype=np.int64)


def _renumber(columns: dict[str, list]) -> list[str]:
    seen: dict[str, list] = defaultdict(list)
    numbers, faults = [], []
    for conversation, position in zip(columns["conversation_id"], columns["position"], strict=True):
        before = seen[conversation]
        if before and before[-1] == position:
            faults.append(f"conversation {conversation!r}: position {position} occurs twice")
        numbers.append(len(before))
        before.append(position)
    columns["position"] = numbers
    return faults


def with_missing(array: np.ndarray, zero_rows_missing: bool) -> tuple[np.ndarray, np.ndarray]:
    """Values (N, D) float32 and presence (N,); rows that are NaN throughout are missing, of zeros if so wished."""
    # What is too large for float32 becomes infinite, which the checks refuse with its row.
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    present: np.ndarray = np.logical_not(np.isnan(values).all(axis=1))
    if zero_rows_missing:
        present = present & values.any(axis=1)
    # NaN would spoil sums and averages that are taken without a look at presence.
    values[~present] = 0
    return values, present
