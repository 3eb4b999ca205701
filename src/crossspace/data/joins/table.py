"""What is to be joined to a corpus: keys and features, one row per utterance, whatever file they stand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from crossspace.data.corpus import Corpus
from crossspace.data.features import ArrayFeatures, ChosenFeatures, Features
from crossspace.data.foreign.arrays import load_arrays
from crossspace.data.foreign.plain import Unfit, integer, string
from crossspace.data.foreign.signs import sign_of
from crossspace.data.foreign.tables import columns_in, read_columns, selected
from crossspace.data.importers.assemble import with_missing
from crossspace.data.names import modality_name
from crossspace.data.split import ALL
from crossspace.data.store.checks import feature_faults, refuse, shorten
from crossspace.data.store.parquet import open_parquet
from crossspace.data.store.schema import METADATA_KEY, MODALITY_COLUMNS
from crossspace.errors import DataError, UsageError, suggestion
from crossspace.reading import reading

Key = tuple[str | int, ...]

_EXPECTED = "an .npz file or a folder of .npy files of plain arrays"
_JOINABLE = "a corpus, a Parquet, CSV or .npz file or a folder of .npy files"
_MOST_NAMED = 5


@dataclass(frozen=True)
class JoinTable:
    """Rows that are to be joined.

    Attributes:
        name: how messages call it.
        keys: of every row, a value for each column that is matched on, in the order of their names.
        features: of the rows.
        extractors: ``{modality: what made it}``, where that is known.
        facts: ``{column: {modality: values by row}}`` of what is known of its features beside them, by the beginning of
            the column's name: why they are missing, which encoder made them.
        utterances: the rows of a corpus without their features.
        notes: sentences on what was converted or not used.
        vectors: ``{modality: V}`` where its features are several vectors.
    """

    name: str
    keys: list[Key]
    features: Features
    extractors: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, Mapping[str, pa.ChunkedArray]]
    utterances: pa.Table | None = None
    notes: tuple[str, ...] = ()
    vectors: Mapping[str, int] = field(default_factory=dict)


def open_table(
    other: str | Path | Corpus,
    on: Mapping[str, str],
    features: Mapping[str, str] | None,
    extractors: Mapping[str, Mapping[str, Any]],
    zero_rows_missing: bool,
) -> JoinTable:
    """What ``other`` holds; the arguments are those of :func:`crossspace.data.joins.join.join`.

    Raises:
        DataError: it is another kind of file or cannot be read, or a row has no key.
        UsageError: a column, array or modality is not there.
    """
    if isinstance(other, Corpus):
        return _of_corpus(other, other.name, on, features, extractors)
    path = Path(other)
    kind = _kind(path)
    if kind == "parquet" and METADATA_KEY in (open_parquet(path).metadata.metadata or {}):
        return _of_corpus(Corpus.read(path), path.name, on, features, extractors)
    values, matrices, unused = (_of_arrays if kind == "npz" else _of_columns)(path, on, features)
    notes = [f"{path.name}: not used: {_named(unused)}"] if unused else []
    keys = _keys(values, on, path, notes)
    vectors, present, faults = {}, {}, []

    def named(row: int) -> str:
        return ":".join(map(str, keys[row]))

    for modality, array in matrices.items():
        vectors[modality], present[modality] = with_missing(array, zero_rows_missing)
        faults += feature_faults(modality, vectors[modality], present[modality], named)
    refuse(path, faults, "Features should be finite numbers; a vector that is NaN throughout is missing.")
    unstated = [modality for modality in matrices if modality not in extractors]
    if unstated:
        notes.append(f"what made {', '.join(unstated)} is not stated (extractors)")
    return JoinTable(path.name, keys, ArrayFeatures(vectors, present), extractors, {}, None, tuple(notes))


def _kind(path: Path) -> str:
    """``parquet``, ``npz`` or ``table``, by the bytes of the file.

    Raises:
        DataError: it is nothing of these; what it is is named.
    """
    if path.is_dir():
        return "npz"
    with reading(path, _JOINABLE):
        sign = sign_of(path)
    if sign is None or sign.kind not in ("parquet", "npz", "table"):
        description = "something else" if sign is None else sign.what
        raise DataError(f"{path}: {_JOINABLE} is expected. Found {description}. Convert it to one of these.")
    return sign.kind


def _of_corpus(
    corpus: Corpus,
    name: str,
    on: Mapping[str, str],
    features: Mapping[str, str] | None,
    extractors: Mapping[str, Mapping[str, Any]],
) -> JoinTable:
    utterances, widths = corpus.utterances(ALL), corpus.spec.widths
    wanted = _by_modality(features if features is not None else {m: m for m in widths})
    _refuse_unknown(name, wanted.values(), widths, "modalities")
    _refuse_unknown(name, on.values(), utterances.column_names, "columns")
    notes: list[str] = []
    keys = _keys({key: utterances[column].to_pylist() for key, column in on.items()}, on, Path(name), notes)
    own_extractors = {m: corpus.extractors[source] for m, source in wanted.items() if source in corpus.extractors}
    facts = {
        prefix: {m: utterances[prefix + s] for m, s in wanted.items() if prefix + s in utterances.column_names}
        for prefix in MODALITY_COLUMNS
    }
    vectors = {m: corpus.spec.vectors.get(source, 1) for m, source in wanted.items()}
    chosen = ChosenFeatures(corpus.features, wanted)
    return JoinTable(name, keys, chosen, {**own_extractors, **extractors}, facts, utterances, tuple(notes), vectors)


def _of_arrays(
    path: Path, on: Mapping[str, str], features: Mapping[str, str] | None
) -> tuple[dict[str, list], dict[str, np.ndarray], list[str]]:
    # First the names alone: faults in them are told before gigabytes are read.
    names = set(load_arrays(path, set(), _EXPECTED))
    sources = set(features.values()) if features is not None else names
    _refuse_unknown(path, [*on.values(), *sources], names, "arrays")
    arrays = {n: a for n, a in load_arrays(path, {*on.values(), *sources}, _EXPECTED).items() if a is not None}
    if features is None:
        features = {n: n for n, a in arrays.items() if a.ndim == 2 and a.dtype.kind in "fiub" and n not in on.values()}
    matrices = {m: arrays[name] for m, name in _by_modality(features).items()}
    count = arrays[next(iter(on.values()))].size
    faults = [] if matrices else ["there is no array of shape (rows, width)"]
    for name in dict.fromkeys((*on.values(), *features.values())):
        array, key = arrays[name], name in on.values()
        if array.ndim != 2 - key or len(array) != count or not (key or (array.dtype.kind in "fiub" and array.size)):
            wanted = f"({count},)" if key else f"({count}, width) and numbers"
            faults.append(f"array {name!r} should have the shape {wanted}. Found {array.dtype} {array.shape}")
    refuse(path, faults, "Name others, or mend it.")
    used = {*on.values(), *features.values()}
    return {key: arrays[n].tolist() for key, n in on.items()}, matrices, sorted(names - used)


def _of_columns(
    path: Path, on: Mapping[str, str], features: Mapping[str, str] | None
) -> tuple[dict[str, list], dict[str, np.ndarray], list[str]]:
    names = columns_in(path)
    _refuse_unknown(path, on.values(), names, "columns")
    if features is None:
        raise UsageError(
            f"{path} has columns; say which are features of which modality, such as audio=f0+energy or audio=mfcc_*. "
            f"Columns: {_named([n for n in names if n not in on.values()])}."
        )
    chosen = {m: selected(path, text, names, on.values()) for m, text in _by_modality(features).items()}
    keys, matrices = read_columns(path, dict(on), chosen)
    used = {*on.values(), *(n for columns in chosen.values() for n in columns)}
    return keys, matrices, [name for name in names if name not in used]


def _by_modality(features: Mapping[str, str]) -> dict[str, str]:
    """The same under the canonical names of modalities.

    Raises:
        UsageError: two names are of one modality.
    """
    sources: dict[str, str] = {}
    for name, source in features.items():
        if modality_name(name) in sources:
            raise UsageError(f"Each modality should be named once. Found {modality_name(name)!r} under two names.")
        sources[modality_name(name)] = source
    return sources


def _keys(values: Mapping[str, Sequence[Any]], on: Mapping[str, str], path: Path, notes: list[str]) -> list[Key]:
    """The key of every row; numbers for text and text for numbers are converted and told of.

    Raises:
        DataError: a value is missing or cannot be a key.
    """
    columns, faults = [], list[str]()
    # Sorted as the keys of the corpus are: (conversation_id, position), whatever order the user named.
    for key, name in sorted(on.items()):
        kind, read, what = (int, _number, "read as numbers") if key == "position" else (str, _id, "written as text")
        column: list[Any] = []
        for row, value in enumerate(values[key]):
            try:
                column.append(read(value))
            except Unfit as error:
                faults.append(f"{name!r}, row {row}: {error}")
        converted = sum(not isinstance(value, kind) for value in values[key])
        if converted:
            notes.append(f"{path.name}: {converted} values of {name!r} were {what} to be compared")
        columns.append(column)
    refuse(path, shorten(faults), "Give every row its key.")
    return list(zip(*columns, strict=True))


def _id(value: Any) -> str:
    if value is None or not string(value):
        raise Unfit("an id is expected, found nothing")
    return string(value)


def _number(value: Any) -> int:
    # A position in a CSV file is text; nineteen digits no longer fit into 64 bits.
    if isinstance(value, str) and len(value) < 19 and value.isdecimal():
        return int(value)
    return integer(value)


def _refuse_unknown(source: object, wanted: Any, known: Any, what: str) -> None:
    strange = [name for name in wanted if name not in set(known)]
    if strange:
        raise UsageError(f"{source} has no {strange[0]!r} among its {what}. {suggestion(strange[0], known)}")


def _named(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
