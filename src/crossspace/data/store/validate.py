"""Every fault of a corpus file at once, also of a file too broken to be opened as a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from crossspace.data.corpus import Corpus
from crossspace.data.store.checks import count_faults, feature_faults, index_faults
from crossspace.data.store.many import is_many
from crossspace.data.store.metadata import Metadata, Seal, parse
from crossspace.data.store.parquet import EXPECTED, open_parquet, read_group, schema_faults, to_arrays
from crossspace.data.store.schema import FEATURE_PREFIX, INDEX_SCHEMA, METADATA_KEY, feature_column, same_type
from crossspace.errors import DataError
from crossspace.reading import reading
from crossspace.stores import Place, Where, place


def faults(target: Where | Corpus) -> list[str]:
    """Every fault of a corpus file, in words; an empty list when there is none.

    Looked for are: metadata that are missing, damaged or untrue (widths, counts, fingerprint); columns that are
    missing or of the wrong type; empty names of conversations, utterances or speakers; conversations that the metadata
    count and the rows lack; ids that occur twice; rows out of order and gaps in positions; unknown labels and splits;
    conversations that stand in several splits; impossible times; features that are NaN or infinite, or whose width
    changes.

    Args:
        target: a file, whatever is in it, or a corpus (which could not have been made with most of these).
    """
    if isinstance(target, Corpus):
        return _only_the_error(target)
    path = place(target)
    try:
        with reading(path, EXPECTED):
            return _faults(path)
    except DataError as error:
        return [str(error)]


def _faults(path: Place) -> list[str]:
    if is_many(path):
        files: list[Place] = list(path.glob("part-*.parquet"))
        own = [f"{one.name}: {fault}" for one in sorted(files, key=str) for fault in _faults(one)]
        return own or _only_the_error(path)
    file = open_parquet(path)
    metadata, seal, faults = _metadata(file, path)
    faults += schema_faults(file.schema_arrow, metadata)
    # Of two columns of one name nobody can say which is meant.
    if len(set(file.schema_arrow.names)) < len(file.schema_arrow.names):
        return faults
    table, unreadable = _index(file, path)
    faults += unreadable
    if table is not None:
        names = (metadata.spec.labels, metadata.spec.sentiments) if metadata else (None, None)
        faults += index_faults(table, *names)
        if seal is not None and "conversation_id" in table.column_names:
            faults += count_faults(table, seal.conversations, seal.utterances)
    faults += _feature_faults(file, path, metadata)
    # Only a file without any other fault: the fingerprint reads everything, and a broken file cannot match it.
    return faults or _only_the_error(path)


def _only_the_error(target: Place | Corpus) -> list[str]:
    try:
        corpus = target if isinstance(target, Corpus) else Corpus.read(target)
        corpus.verify()
    except DataError as error:
        return [str(error)]
    return []


def _metadata(file: pq.ParquetFile, path: Place) -> tuple[Metadata | None, Seal | None, list[str]]:
    raw = (file.metadata.metadata or {}).get(METADATA_KEY)
    if raw is None:
        return None, None, ["metadata under the key 'crossspace' are missing: labels, speakers, widths, extractors"]
    try:
        return *parse(raw, path), []
    except DataError as error:
        return None, None, [str(error)]


def _index(file: pq.ParquetFile, path: Place) -> tuple[pa.Table | None, list[str]]:
    """Those index columns that have their type, or ``None`` where they cannot be read."""
    schema = file.schema_arrow
    names = [f.name for f in INDEX_SCHEMA if f.name in schema.names and same_type(schema.field(f.name).type, f.type)]
    if not names:
        return None, []
    try:
        with reading(path, EXPECTED) as position:
            position.at = "the columns other than features"
            return file.read(columns=names, use_threads=False), []
    except DataError as error:
        return None, [str(error)]


def _feature_faults(file: pq.ParquetFile, path: Place, metadata: Metadata | None) -> list[str]:
    schema, faults = file.schema_arrow, []
    modalities = [name.removeprefix(FEATURE_PREFIX) for name in schema.names if name.startswith(FEATURE_PREFIX)]
    if not modalities:
        faults.append(f"no column {FEATURE_PREFIX}<modality> holds features")
    for modality in modalities:
        if metadata is not None and modality not in metadata.spec.widths:
            faults.append(f"column {feature_column(modality)!r} is not in the metadata")
        kind = schema.field(feature_column(modality)).type
        if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
            faults.append(f"column {feature_column(modality)!r} should hold lists of float32. Found {kind}")
        elif pa.types.is_floating(kind.value_type):
            faults += _modality_faults(file, path, modality)
    return faults


def _modality_faults(file: pq.ParquetFile, path: Place, modality: str) -> list[str]:
    faults: list[str] = []
    widths: Counter[int] = Counter()
    named = "utterance_id" in file.schema_arrow.names
    for group in range(file.metadata.num_row_groups):
        try:
            table = read_group(file, path, group, [feature_column(modality), *(["utterance_id"] if named else [])])
        except DataError as error:
            return [*faults, str(error)]
        column = table[feature_column(modality)].combine_chunks()
        names = table["utterance_id"].to_pylist() if named else list(range(len(column)))
        faults += _finite_faults(modality, column, names)
        if not pa.types.is_fixed_size_list(column.type):
            widths.update(n for n in column.value_lengths().to_pylist() if n is not None)
    if len(widths) > 1:
        counts = ", ".join(f"{width} ({count} utterances)" for width, count in sorted(widths.items()))
        faults.append(f"the width of {modality} changes: {counts}")
    return faults


def _finite_faults(modality: str, column: pa.Array, names: Sequence[object]) -> list[str]:
    if pa.types.is_fixed_size_list(column.type):
        values, present = to_arrays(column)
        return feature_faults(modality, values, present, lambda row: str(names[row]))
    rows = [None if row is None else np.array(row, dtype=np.float64)[None] for row in column.to_pylist()]
    return [
        fault
        for place, row in enumerate(rows)
        if row is not None
        for fault in feature_faults(modality, row, np.ones(1, bool), [str(names[place])].__getitem__)
    ]
