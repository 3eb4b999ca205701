"""Pickles of splits, each a dictionary of arrays: the feature files that MMSA and the multimodal Transformer read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from crossspace.data.corpus import Corpus
from crossspace.data.foreign.plain import Unfit, label_index, shown, string
from crossspace.data.foreign.signs import refuse_other_kinds
from crossspace.data.foreign.unpickle import load_pickle
from crossspace.data.importers.assemble import assemble
from crossspace.data.importers.base import Importer
from crossspace.data.names import SPLITS, modality_name, split_name
from crossspace.data.store.checks import refuse, shorten
from crossspace.data.store.metadata import Metadata
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError
from crossspace.reading import reading

EXPECTED = "a pickle with a dictionary of splits, each a dictionary of arrays (--format mmsa)"
_ID = re.compile(r"(?P<video>.+?)(?:\$_\$|/|\[)(?P<clip>\d+)\]?")
_MODALITIES = ("text", "audio", "vision")
_COLUMNS = ("id", "raw_text", "annotations", "classification_labels", "labels")
_MEND = "Mend the file, or choose with the options of this format."


@dataclass(frozen=True, kw_only=True)
class Mmsa(Importer):
    """Import pickles of CMU-MOSI, CMU-MOSEI, CH-SIMS and their like, as MMSA lays them out.

    The file is a dictionary of splits (train, valid, test), each a dictionary with ``text``, ``audio``, ``vision``
    (N, frames, D) or (N, D), ``id`` and labels. A clip's id, such as ``video$_$3`` or ``video[3]``, says to which video
    it belongs, which becomes its conversation, and where it stands in it. Each video has one speaker. The file is read
    without executing anything in it, and the corpus's source names what was not read.

    A vector per utterance is the mean over the frames of its sequence that are not zero throughout, which is how these
    files pad; a sequence of nothing else is missing.

    Args:
        label_from: which labels: ``annotations`` (names), ``classification_labels`` or ``labels`` (numbers, which the
            option labels names); ``auto`` takes the first of them that the file has. Strengths of sentiment are no
            classes and are refused.
        labels: names in the order of their numbers, or all names that occur; without it, these in alphabetical order.
        infinite_as_zero: take features that are infinite for 0, as MMSA does; by default they are refused.
        name: short name of the corpus; without it, the name of the file.
        licence: terms under which it may be used.
        extractors: what made the features: ``{modality: {"name", "version", "parameters"}}``.
    """

    label_from: Literal["auto", "annotations", "classification_labels", "labels"] = "auto"
    labels: list[str] | None = None
    infinite_as_zero: bool = False
    name: str | None = None
    licence: str = ""
    extractors: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read(self, source: str | Path) -> Corpus:
        """The corpus that the pickle holds.

        Raises:
            DataError: it cannot be read, asks for anything outside the allow-list, or does not hold together.
        """
        source = Path(source)
        if source.is_file():
            refuse_other_kinds(source, ("pickle",), EXPECTED)
        content = load_pickle(source)
        with reading(source, EXPECTED):
            return self._corpus(_splits(content, source), source)

    def _corpus(self, splits: dict[str, Mapping[str, Any]], source: Path) -> Corpus:
        faults = [fault for split, part in splits.items() for fault in _faults(split, part)]
        refuse(source, faults, _MEND)
        columns_by_split = {name: self._columns(name, part, faults) for name, part in splits.items()}
        # A second time: the first look was at shapes, without which reading rows would fail anyhow.
        refuse(source, shorten(faults), _MEND)
        names = next(iter(columns_by_split.values()))
        columns = {name: [v for part in columns_by_split.values() for v in part[name]] for name in names}
        modalities = [m for m in _MODALITIES if all(m in part for part in splits.values())]
        features = {}
        for modality in modalities:
            pooled = [self._pooled(part[modality]) for part in splits.values()]
            features[modality_name(modality)] = np.concatenate(pooled)
        labels = self.labels or sorted({label for label in columns["label"] if label is not None}) or ["unlabelled"]
        spec = TaskSpec(tuple(labels), {m: array.shape[1] for m, array in features.items()}, speakers=1)
        unread = sorted(
            {str(k) for part in splits.values() for k in part}
            - {*modalities, "id", "raw_text"}
            - {self._target(splits)}
        )
        provenance = source.name + (f" (not read: {', '.join(unread)})" if unread else "")
        extractors = {modality_name(m): extractor for m, extractor in self.extractors.items()}
        return assemble(
            columns, features, Metadata(spec, self.name or source.stem, provenance, self.licence, extractors)
        )

    def _target(self, splits: Mapping[str, Mapping[str, Any]]) -> str:
        known = ("annotations", "classification_labels", "labels") if self.label_from == "auto" else (self.label_from,)
        for name in known:
            if all(name in part for part in splits.values()):
                return name
        there = sorted({str(k) for part in splits.values() for k in part if "label" in str(k) or "annot" in str(k)})
        raise DataError(
            f"The splits should have labels under {' or '.join(known)}. Found {there}. Strengths of sentiment are no "
            "classes: cut them into classes, and save them under 'classification_labels'."
        )

    def _columns(self, split: str, part: Mapping[str, Any], faults: list[str]) -> dict[str, list]:
        count = len(part["id"])
        rows: dict[str, list] = {name: [] for name in ("conversation_id", "position", "utterance_id", "text", "label")}
        target = part[self._target({split: part})]
        texts = part.get("raw_text", [None] * count)
        for row in range(count):
            try:
                name, video, clip = _name(part["id"][row])
                label = self._label(target[row])
                text = None if texts[row] is None else string(texts[row])
            except Unfit as error:
                faults.append(f"{split}, row {row}: {error}")
                continue
            for column, value in zip(rows, (video, clip, name, text, label), strict=True):
                rows[column].append(value)
        constants = {"speaker": "speaker", "split": split, "start": None, "end": None}
        return {**rows, **{name: [value] * len(rows["text"]) for name, value in constants.items()}}

    def _label(self, value: Any) -> str | None:
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.reshape(-1)[0]
        if value is None or isinstance(value, (str, bytes)):
            return None if value is None else string(value) or None
        if self.labels is None:
            raise Unfit("labels are numbers: name them in their order with --labels")
        place = label_index(value, len(self.labels))
        return None if place is None else self.labels[place]

    def _pooled(self, array: np.ndarray) -> np.ndarray:
        """(N, D) means over the frames that hold something."""
        # A mean over hundreds of frames loses digits in float32.
        values = array.astype(np.float64)
        if self.infinite_as_zero:
            values[np.isinf(values)] = 0
        if values.ndim == 2:
            return values.astype(np.float32)
        real = np.any(values != 0, axis=2)
        counts: np.ndarray = np.sum(real, axis=1)
        means = (values * real[:, :, None]).sum(axis=1) / np.maximum(counts, 1)[:, None]
        # Not zeros: a sequence of nothing but padding is missing, which NaN says to the last steps.
        means[counts == 0] = np.nan
        return means.astype(np.float32)


def _splits(content: Any, source: Path) -> dict[str, Mapping[str, Any]]:
    named = {split_name(k): v for k, v in content.items() if isinstance(k, str)} if isinstance(content, Mapping) else {}
    splits = {name: part for name, part in named.items() if name in SPLITS and isinstance(part, Mapping)}
    if not splits or len(splits) != len(content):
        keys = f" with the keys {[shown(k) for k in list(content)[:6]]}" if isinstance(content, Mapping) else ""
        raise DataError(
            f"{source}: {EXPECTED} is expected. Found {shown(content)}{keys}. Tuples of tables by conversation are "
            "read by --format sdt; other arrays can be imported with --format arrays."
        )
    return splits


def _faults(split: str, part: Mapping[str, Any]) -> list[str]:
    faults = [] if "id" in part else [f"{split}: there is no 'id'"]
    if not any(m in part for m in _MODALITIES):
        faults.append(f"{split}: there is none of {', '.join(_MODALITIES)}")
    ids: Any = part.get("id")
    count = len(ids) if _is_column(ids) else 0
    for name in (*_MODALITIES, *_COLUMNS):
        array: Any = part.get(name)
        if name not in part:
            continue
        if name in _MODALITIES and not _is_sequences(array):
            faults.append(f"{split}, {name}: numbers of shape (rows, frames, width) are expected, found {shown(array)}")
        elif not _is_column(array):
            faults.append(f"{split}, {name}: a list is expected, found {shown(array)}")
        elif len(array) != count:
            faults.append(f"{split}, {name}: should have {count} rows, as many as ids. Found {len(array)}")
    return faults


def _is_sequences(array: Any) -> bool:
    return isinstance(array, np.ndarray) and array.dtype.kind in "fiu" and array.ndim in (2, 3) and array.size > 0


def _is_column(array: Any) -> bool:
    return isinstance(array, (list, tuple)) or (isinstance(array, np.ndarray) and array.ndim > 0)


def _name(value: Any) -> tuple[str, str, int]:
    """Id, video and number of a clip; rows of ids begin with it."""
    # Some files have ids as rows [video, start, end], or as arrays of one.
    while (isinstance(value, (list, tuple)) and value) or (isinstance(value, np.ndarray) and value.ndim and len(value)):
        value = value[0]
    name = string(value)
    match = _ID.fullmatch(name)
    if match is None:
        raise Unfit(f"an id such as video$_$3 is expected, found {shown(name)}")
    return name, match["video"], int(match["clip"])
