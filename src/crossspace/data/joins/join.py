"""Features from elsewhere, joined to the utterances of a corpus by their ids or by their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crossspace.data.corpus import Corpus
from crossspace.data.features import JoinedFeatures
from crossspace.data.index import Index
from crossspace.data.joins.table import JoinTable, Key, open_table
from crossspace.data.split import ALL
from crossspace.data.store.schema import MISSING_PREFIX, MODALITY_COLUMNS
from crossspace.errors import DataError, UsageError

KEYS = (("utterance_id",), ("conversation_id", "position"))
"""Columns that tell utterances apart, by which features can be joined."""


@dataclass(frozen=True)
class Joining:
    """What came of a join.

    Attributes:
        modalities: those that were added or replaced.
        matched: utterances that have a row in the other file.
        without_row: keys of the utterances that have none; the modalities are missing there.
        without_utterance: keys of the rows that belong to no utterance; they are left out.
        notes: sentences on what else should be known.
    """

    modalities: tuple[str, ...]
    matched: int
    without_row: tuple[str, ...]
    without_utterance: tuple[str, ...]
    notes: tuple[str, ...] = ()


def join(
    corpus: Corpus,
    other: str | Path | Corpus,
    *,
    on: Sequence[str] | Mapping[str, str] = ("utterance_id",),
    features: Mapping[str, str] | None = None,
    prefix: str = "",
    replace_existing: bool = False,
    extractors: Mapping[str, Mapping[str, Any]] | None = None,
    zero_rows_missing: bool = False,
) -> tuple[Corpus, Joining]:
    """Add features as further modalities.

    Utterances, their order and splits stay those of ``corpus``. Where the other has no row for an utterance, the
    modality is missing there, with a reason. Features of another corpus are read as they are needed, those of other
    files are held in memory.

    Args:
        corpus: to which they are added.
        other: a corpus or its file; another Parquet file or a CSV file with one row per utterance; an ``.npz`` file
            or a folder of ``.npy`` files.
        on: the columns by which rows are matched, ``utterance_id``, or ``conversation_id`` and ``position``; as a
            mapping ``{column: its name in other}``.
        features: ``{modality: name in other}``: a modality of a corpus, an array, a column of lists, or columns of
            numbers, as ``a+b`` or with ``*`` for any letters. Without it, all modalities or two-dimensional arrays.
        prefix: put in front of the names of the modalities.
        replace_existing: take those of ``other`` where both have a modality.
        extractors: ``{modality: {"name", "version", "parameters"}}``, what made the features; a corpus brings its own.
        zero_rows_missing: take feature rows of nothing but zeros for missing; in a corpus they stay as they are.

    Raises:
        DataError: ``other`` cannot be read, two of its rows have the same key, one has none, or none fits.
        UsageError: the columns or modalities are not there, or ``corpus`` has one of them already.
    """
    names = dict(on) if isinstance(on, Mapping) else {name: name for name in on}
    if tuple(sorted(names)) not in KEYS:
        listed = ", ".join(names) or "nothing"
        raise UsageError(f"Rows are matched on utterance_id, or on conversation_id and position. Found {listed}.")
    table = open_table(other, names, features, extractors or {}, zero_rows_missing)
    strange = sorted(set(extractors or {}) - set(table.features.widths))
    if strange:
        raise UsageError(f"Extractors are of {list(table.features.widths)}, which are added. Found {strange[0]!r}.")
    added = {prefix + modality: modality for modality in table.features.widths}
    both = [modality for modality in added if modality in corpus.spec.widths]
    if both and not replace_existing:
        raise UsageError(
            f"Corpus {corpus.name!r} has {', '.join(map(repr, both))} already. Name the modalities to add (features), "
            "give them a prefix, or say that those of the corpus are to be replaced."
        )
    rows, joining = _matched(corpus, table, tuple(sorted(names)), tuple(added))
    index = Index(_with_facts(corpus.utterances(ALL), rows, table, added))
    # Read when they are needed, since either corpus may be larger than memory.
    chosen = JoinedFeatures(corpus.features, table.features, rows, added, tuple(index.groups()))
    added_extractors = {name: table.extractors[m] for name, m in added.items() if m in table.extractors}
    own_extractors = {m: extractor for m, extractor in corpus.extractors.items() if m not in added}
    spec = corpus.spec.with_widths(chosen.widths, {name: table.vectors.get(m, 1) for name, m in added.items()})
    # Ceilings hold for the features that a corpus was generated with, not for others.
    metadata = replace(corpus.metadata, spec=spec, extractors={**own_extractors, **added_extractors}, ceilings={})
    return Corpus.from_columns(metadata, index, chosen), joining


def _matched(
    corpus: Corpus, table: JoinTable, on: tuple[str, ...], added: tuple[str, ...]
) -> tuple[np.ndarray, Joining]:
    """(N,) the row of the table for every utterance, -1 where there is none; and what to tell of it."""
    utterances = corpus.utterances(ALL)
    keys: list[Key] = list(zip(*(utterances[name].to_pylist() for name in on), strict=True))
    # A row that would match twice could be either: nobody but the user knows which.
    twice = [key for key, count in Counter(table.keys).items() if count > 1]
    if twice:
        raise DataError(
            f"{table.name}: each row should have another {' and '.join(on)}. {len(twice)} occur more than once, such "
            f"as {shown(twice[0])}. Leave one row of each."
        )
    places = {key: row for row, key in enumerate(table.keys)}
    rows = np.array([places.get(key, -1) for key in keys], dtype=np.int64)
    known = set(keys)
    unused = tuple(shown(key) for key in table.keys if key not in known)
    unmatched = tuple(shown(keys[i]) for i in np.flatnonzero(rows < 0))
    if len(unmatched) == len(keys):
        raise DataError(
            f"{table.name}: no row fits an utterance of corpus {corpus.name!r} by {' and '.join(on)}. The corpus has "
            f"such as {', '.join(unmatched[:3]) or 'none'}, the file such as {', '.join(unused[:3]) or 'none'}. Name "
            "other columns, or make the ids the same; they are compared letter by letter."
        )
    notes = (*table.notes, *_disagreements(utterances, table, rows))
    return rows, Joining(added, len(keys) - len(unmatched), unmatched, unused, notes)


def shown(key: Key) -> str:
    """A key as messages have it."""
    return ":".join(map(str, key))


def _disagreements(utterances: pa.Table, table: JoinTable, rows: np.ndarray) -> list[str]:
    """What two corpora say differently of the same utterances."""
    if table.utterances is None:
        return []
    here = np.flatnonzero(rows >= 0)
    ours, theirs = utterances.take(here), table.utterances.take(rows[here])
    notes = []
    for column in ("text", "speaker", "label"):
        differ = pc.fill_null(pc.not_equal(ours[column], theirs[column]), False)
        places = np.flatnonzero(np.asarray(differ))
        if len(places):
            first = int(places[0])
            notes.append(
                f"{len(places)} of {len(here)} utterances have another {column} in {table.name}, such as "
                f"{ours['utterance_id'][first].as_py()!r}: {theirs[column][first].as_py()!r} for "
                f"{ours[column][first].as_py()!r}. That of the corpus stays; are they the same utterances?"
            )
    return notes


def _with_facts(utterances: pa.Table, rows: np.ndarray, table: JoinTable, added: Mapping[str, str]) -> pa.Table:
    """The utterances with what the table says of its features, and a reason wherever it lacks a row."""
    absent, places = pa.array(rows < 0), pa.array(rows, mask=rows < 0)
    for name, modality in added.items():
        for prefix, column in MODALITY_COLUMNS.items():
            field, stated = column(name), table.facts.get(prefix, {}).get(modality)
            values = pa.nulls(len(rows), field.type) if stated is None else stated.take(places)
            if prefix == MISSING_PREFIX:
                values = pc.if_else(absent, f"no row in {table.name}", values)
            # What was said of the features that are replaced no longer holds.
            if field.name in utterances.column_names:
                utterances = utterances.drop_columns([field.name])
            if values.null_count < len(values):
                utterances = utterances.append_column(field, values)
    return utterances
