"""Arrays with one row per utterance: an ``.npz`` file or a folder of ``.npy`` files."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from crossspace.data.corpus import Corpus
from crossspace.data.cuts.rules import VALIDATION_FRACTION
from crossspace.data.foreign.arrays import load_arrays
from crossspace.data.foreign.plain import Unfit, label_index, string
from crossspace.data.importers.assemble import assemble, most_speakers
from crossspace.data.importers.base import Importer
from crossspace.data.names import modality_name, split_name
from crossspace.data.sentiment import in_order
from crossspace.data.store.checks import refuse, shorten
from crossspace.data.store.metadata import Metadata
from crossspace.data.store.schema import INDEX_SCHEMA, SENTIMENT
from crossspace.data.task import TaskSpec
from crossspace.errors import suggestion
from crossspace.reading import reading

EXPECTED = "an .npz file or a folder of .npy files of plain arrays (--format arrays)"
_MOST_LABELS = 1000
_COLUMNS = (*INDEX_SCHEMA.names, SENTIMENT)
_KINDS = {
    **dict.fromkeys(
        ("conversation_id", "utterance_id", "speaker", "split"), ("USiu", "names or integers of shape (rows,)")
    ),
    "text": ("US", "strings of shape (rows,)"),
    "sentiment": ("US", "names of shape (rows,)"),
    "label": ("USiuf", "integers or names of shape (rows,)"),
    **dict.fromkeys(("position", "start", "end"), ("iuf", "numbers of shape (rows,)")),
    "features": ("fiub", "numbers of shape (rows, width) or (rows, vectors, width)"),
}
"""Kinds of arrays that a column may come from, and how to say it."""


@dataclass(frozen=True, kw_only=True)
class Arrays(Importer):
    """Import arrays that hold one row per utterance, in any order.

    Only ``conversation_id`` has to be named. Without ``position`` the rows of a conversation stand in their order;
    without ``utterance_id`` an utterance is called ``<conversation>_<position>``; without ``speaker`` each
    conversation has one speaker; without ``split`` no conversation belongs to a split. Positions may be any numbers
    that order the rows of a conversation. A feature row that is NaN throughout is missing; NaN in part is a fault.
    Object arrays are refused, since reading them could execute code.

    Args:
        columns: which array holds which column: ``{column: array}`` with the columns conversation_id, position,
            utterance_id, speaker, text, start, end, label, sentiment, split.
        features: which array (N, D), or (N, V, D) for V vectors of each utterance, holds the features of which
            modality: ``{modality: array}``.
        labels: names of the emotions in index order; integers in the label array count from 0 into them, and -1, -100,
            NaN and empty strings mean unlabelled. Without it, the values that occur, sorted.
        speakers: names of the speakers when they mean the same in every conversation, or how many are told apart
            within one; without it, as many as the conversation with most speakers has.
        name: short name of the corpus; without it, the name of the file.
        licence: terms under which it may be used.
        provenance: where it came from; without it, the name of the file.
        extractors: what made the features: ``{modality: {"name", "version", "parameters"}}``.
        validation_fraction: part of the train conversations that becomes validation, when there is none.
        seed: of that choice.
        zero_rows_missing: take feature rows of nothing but zeros for missing.
    """

    columns: dict[str, str]
    features: dict[str, str]
    labels: list[str] | None = None
    speakers: int | list[str] | None = None
    name: str | None = None
    licence: str = ""
    provenance: str | None = None
    extractors: dict[str, dict[str, Any]] = field(default_factory=dict)
    validation_fraction: float = VALIDATION_FRACTION
    seed: int = 0
    zero_rows_missing: bool = False

    def read(self, source: str | Path) -> Corpus:
        """The corpus that an ``.npz`` file or a folder of ``.npy`` files holds.

        Raises:
            DataError: it cannot be read, the mapping does not fit, or rows do not hold together; every fault is named.
        """
        source = Path(source)
        loaded = load_arrays(source, {*self.columns.values(), *self.features.values()}, EXPECTED)
        faults: list[str] = []
        # First of all: a wrong mapping makes every later fault meaningless.
        refuse(source, self._mapping_faults(loaded), "Correct the mapping, then import again.")
        arrays = {name: array for name, array in loaded.items() if array is not None}
        with reading(source, EXPECTED):
            columns = self._columns({column: arrays[name] for column, name in self.columns.items()}, faults)
        labels = (
            self.labels or sorted({str(label) for label in columns["label"] if label is not None}) or ["unlabelled"]
        )
        several = {modality_name(m): arrays[name] for m, name in self.features.items()}
        # (N, V, D): the vectors stand side by side in the file, and the task says how many they are.
        features = {m: array.reshape(len(array), -1) for m, array in several.items()}
        spec = TaskSpec(
            labels=tuple(labels),
            widths={m: array.shape[1] for m, array in features.items()},
            speakers=most_speakers(columns) if self.speakers is None else _speakers(self.speakers),
            sentiments=in_order(columns[SENTIMENT]),
            vectors={m: array.shape[1] for m, array in several.items() if array.ndim == 3},
        )
        extractors = {modality_name(m): extractor for m, extractor in self.extractors.items()}
        provenance = source.name if self.provenance is None else self.provenance
        return assemble(
            columns,
            features,
            Metadata(spec, self.name or source.stem, provenance, self.licence, extractors),
            validation_fraction=self.validation_fraction,
            seed=self.seed,
            zero_rows_missing=self.zero_rows_missing,
            faults=shorten(faults),
        )

    def _mapping_faults(self, arrays: Mapping[str, np.ndarray | None]) -> list[str]:
        faults: list[str] = []
        for column in self.columns:
            if column not in _COLUMNS:
                faults.append(f"there is no column {column!r}. {suggestion(column, _COLUMNS)}")
        if "conversation_id" not in self.columns:
            faults.append("the column 'conversation_id' has no array; it is the one that must have one")
        for modality, count in Counter(modality_name(m) for m in self.features).items():
            if count > 1:
                faults.append(f"modality {modality!r} has {count} arrays, under names that mean the same")
        if not self.features:
            faults.append("no modality has an array; at least one must have one")
        mapped = [(f"column {c!r}", name, c) for c, name in self.columns.items()]
        mapped += [(f"modality {m!r}", name, "features") for m, name in self.features.items()]
        rows: dict[int, list[str]] = defaultdict(list)
        for what, name, column in mapped:
            array = arrays.get(name)
            if array is None:
                faults.append(f"{what}: there is no array {name!r}. {suggestion(name, arrays)}")
            elif (wanted := _wanted(column, array)) is not None:
                faults.append(f"{what}: array {name!r} should have {wanted}. Found {array.dtype} {array.shape}")
            else:
                rows[len(array)].append(name)
        if len(rows) > 1:
            counts = "; ".join(f"{n} rows in {', '.join(sorted(set(names)))}" for n, names in sorted(rows.items()))
            faults.append(f"all arrays should have one row per utterance. Found {counts}")
        return faults

    def _columns(self, arrays: Mapping[str, np.ndarray], faults: list[str]) -> dict[str, list]:
        conversations = _strings(arrays["conversation_id"])
        count = len(conversations)
        columns: dict[str, list] = {"conversation_id": conversations}
        columns["position"] = arrays["position"].tolist() if "position" in arrays else list(range(count))
        for name in ("text", "speaker", "utterance_id"):
            columns[name] = _strings(arrays[name]) if name in arrays else [None] * count
        for name in ("start", "end"):
            columns[name] = _seconds(arrays[name]) if name in arrays else [None] * count
        if "speaker" not in arrays:
            columns["speaker"] = ["speaker"] * count
        if "utterance_id" not in arrays:
            columns["utterance_id"] = _numbered(conversations, columns["position"])
        splits = [split_name(s) or None for s in _strings(arrays["split"])] if "split" in arrays else [None] * count
        columns["split"] = splits
        columns["label"] = self._labels(arrays["label"], faults) if "label" in arrays else [None] * count
        columns[SENTIMENT] = [s or None for s in _strings(arrays[SENTIMENT])] if SENTIMENT in arrays else [None] * count
        return columns

    def _labels(self, array: np.ndarray, faults: list[str]) -> list[str | None]:
        if array.dtype.kind in "US":
            return [label or None for label in _strings(array)]
        # Without names the numbers are the labels; a bound, since a column of ids would give a label to each row.
        known = self.labels or [str(number) for number in range(_MOST_LABELS)]
        labels: list[str | None] = []
        for row, value in enumerate(array.tolist()):
            try:
                place = label_index(value, len(known))
            except Unfit as error:
                faults.append(f"column 'label', row {row}: {error}")
                place = None
            labels.append(None if place is None else known[place])
        return labels


def _wanted(column: str, array: np.ndarray) -> str | None:
    """What a column needs of its array, where it has not got it."""
    if column not in _KINDS:
        return None
    kinds, what = _KINDS[column]
    dimensions = (2, 3) if column == "features" else (1,)
    # Two or three dimensions for features, whose width may not be 0; one for everything else.
    if array.dtype.kind not in kinds or array.ndim not in dimensions or (array.ndim > 1 and not array.size):
        return what
    if column == "position" and not np.isfinite(array).all():
        return what + ", none of them NaN or infinite"
    return None


def _strings(array: np.ndarray) -> list[str]:
    return [string(value) for value in array.tolist()]


def _seconds(array: np.ndarray) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in array.astype(np.float64)]


def _numbered(conversations: list[str], positions: list) -> list[str]:
    order = sorted(range(len(conversations)), key=lambda i: (conversations[i], positions[i]))
    counts: dict[str, int] = defaultdict(int)
    names = [""] * len(conversations)
    for row in order:
        names[row] = f"{conversations[row]}_{counts[conversations[row]]}"
        counts[conversations[row]] += 1
    return names


def _speakers(stated: int | list[str]) -> int | tuple[str, ...]:
    return stated if isinstance(stated, int) else tuple(stated)
