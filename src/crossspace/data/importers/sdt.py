"""The two feature pickles that the field passes around (IEMOCAP and MELD, first published with SDT)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from crossspace.data.checks import refuse
from crossspace.data.corpus import Corpus
from crossspace.data.importers.assemble import assemble
from crossspace.data.importers.base import Importer
from crossspace.data.metadata import Metadata
from crossspace.data.splits import VALIDATION_FRACTION
from crossspace.data.task import TaskSpec
from crossspace.data.unpickle import load_pickle
from crossspace.errors import DataError, UsageError

_FIELDS = ("ids", "speakers", "labels", "text", "text 2", "text 3", "text 4", "audio", "visual", "sentences")
_VECTORS: dict[str, tuple[str, ...]] = {
    "first": ("text",),
    "second": ("text 2",),
    "third": ("text 3",),
    "fourth": ("text 4",),
}
_VECTORS["average"] = ("text", "text 2", "text 3", "text 4")


@dataclass(frozen=True)
class _Known:
    """What one of the two files does not say of itself."""

    name: str
    entries: int
    labels: tuple[str, ...]
    speakers: int | tuple[str, ...]


_KNOWN = {
    "iemocap": _Known("IEMOCAP", 12, ("happy", "sad", "neutral", "angry", "excited", "frustrated"), ("M", "F")),
    "meld": _Known("MELD", 13, ("neutral", "surprise", "fear", "sadness", "joy", "disgust", "anger"), 9),
}


@dataclass(frozen=True, kw_only=True)
class Sdt(Importer):
    """Import ``iemocap_multimodal_features.pkl`` (a tuple of 12) or ``meld_multimodal_features.pkl`` (of 13).

    The tuple holds dictionaries by conversation id: utterance ids, speakers, labels, four text vectors, audio, visual,
    sentences; then the ids of the train and of the test conversations (MELD: one entry more, not used). MELD's train
    ids include what its authors published as dev. The file is read without executing anything in it.

    IEMOCAP's speakers, M and F, are global. MELD's are 9-wide one-hot rows that number the speakers of one dialogue:
    they become ``s0`` to ``s8``, local to the conversation. Ids of utterances that occur in several conversations are
    preceded by that of the conversation.

    Args:
        corpus: which of the two it is; ``auto`` goes by the length of the tuple.
        text: which of the four text vectors to take, or their average.
        licence: terms under which the corpus may be used.
        validation_fraction: part of the train conversations that becomes validation, by a fixed rule (see
            :func:`crossspace.data.splits.validation_ids`).
        seed: of that choice.
        zero_rows_missing: take feature rows of nothing but zeros for missing; by default they are data.
    """

    corpus: Literal["auto", "iemocap", "meld"] = "auto"
    text: Literal["first", "second", "third", "fourth", "average"] = "first"
    licence: str = ""
    validation_fraction: float = VALIDATION_FRACTION
    seed: int = 0
    zero_rows_missing: bool = False

    def read(self, source: str | Path) -> Corpus:
        """The corpus that the pickle holds.

        Raises:
            DataError: it cannot be read, asks for anything outside the allow-list, or does not hold together.
        """
        source = Path(source)
        entries = load_pickle(source)
        known = self._known(entries, source)
        tables = dict(zip(_FIELDS, entries[:10], strict=True))
        splits = _splits(entries[10], entries[11])
        refuse(source, _faults(tables, splits), "This is not the file that the field passes around; download it again.")
        columns = _columns(tables, splits, known)
        features = {m: _stack(tables[m], splits, m, source) for m in ("audio", "visual")}
        vectors = [_stack(tables[name], splits, name, source) for name in _VECTORS[self.text]]
        features = {"text": np.mean(vectors, axis=0) if len(vectors) > 1 else vectors[0], **features}
        spec = TaskSpec(known.labels, {m: array.shape[1] for m, array in features.items()}, known.speakers)
        text = {"name": "sdt", "version": known.name, "parameters": {"vector": self.text}}
        other = {"name": "sdt", "version": known.name}
        return assemble(
            columns,
            features,
            Metadata(spec, known.name, source.name, self.licence, {"text": text, "audio": other, "visual": other}),
            validation_fraction=self.validation_fraction,
            seed=self.seed,
            zero_rows_missing=self.zero_rows_missing,
        )

    def _known(self, entries: Any, source: Path) -> _Known:
        found = f"a tuple of {len(entries)}" if isinstance(entries, tuple) else f"a {type(entries).__name__}"
        fitting = [k for k, known in _KNOWN.items() if isinstance(entries, tuple) and len(entries) == known.entries]
        if not fitting or not all(isinstance(entry, Mapping) for entry in entries[:9]):
            raise DataError(
                f"{source}: a tuple of 12 (IEMOCAP) or 13 (MELD) whose first ten are dictionaries by conversation "
                f"is expected. Found {found}. Other arrays can be imported with --format arrays."
            )
        if self.corpus not in ("auto", fitting[0]):
            wanted = _KNOWN[self.corpus]
            raise UsageError(f"{source}: {wanted.name} is a tuple of {wanted.entries}. Found {found}: {fitting[0]}.")
        return _KNOWN[fitting[0]]


def _splits(train: Any, test: Any) -> dict[Any, str]:
    """``{conversation key: split}`` in a fixed order, whatever the order of the sets in the file."""
    both = set(train) & set(test)
    if both:
        raise DataError(f"Conversations stand in both train and test: {sorted(map(str, both))[:5]}.")
    named = {**dict.fromkeys(train, "train"), **dict.fromkeys(test, "test")}
    return dict(sorted(named.items(), key=lambda pair: str(pair[0])))


def _faults(tables: Mapping[str, Any], splits: Mapping[Any, str]) -> list[str]:
    faults = []
    for name, table in tables.items():
        if name == "sentences" and not isinstance(table, Mapping):
            continue
        missing = [key for key in splits if key not in table]
        if missing and name != "sentences":
            faults.append(f"{name}: nothing for {len(missing)} conversations, such as {missing[0]!r}")
        for key in splits:
            if key in table and key in tables["ids"] and len(table[key]) != len(tables["ids"][key]):
                faults.append(
                    f"{name}, conversation {key!r}: should have {len(tables['ids'][key])} rows. Found {len(table[key])}"
                )
    return faults


def _columns(tables: Mapping[str, Any], splits: Mapping[Any, str], known: _Known) -> dict[str, list]:
    columns: dict[str, list] = {
        name: [] for name in ("conversation_id", "position", "speaker", "text", "label", "split")
    }
    given: list[str] = []
    for key, split in splits.items():
        count = len(tables["ids"][key])
        sentences = tables["sentences"].get(key) if isinstance(tables["sentences"], Mapping) else None
        columns["conversation_id"] += [_string(key)] * count
        columns["position"] += range(count)
        columns["split"] += [split] * count
        columns["speaker"] += [_speaker(value) for value in tables["speakers"][key]]
        columns["label"] += [_label(value, known.labels) for value in tables["labels"][key]]
        columns["text"] += [None] * count if sentences is None else [_sentence(value) for value in sentences]
        given += [_string(value) for value in tables["ids"][key]]
    if len(set(given)) < len(given):
        given = [f"{conversation}_{name}" for conversation, name in zip(columns["conversation_id"], given, strict=True)]
    if len(set(given)) < len(given):
        rows = zip(columns["conversation_id"], columns["position"], strict=True)
        given = [f"{conversation}_{position}" for conversation, position in rows]
    columns["utterance_id"] = given
    columns["start"] = columns["end"] = [None] * len(given)
    return columns


def _stack(table: Mapping[Any, Any], splits: Iterable[Any], name: str, source: Path) -> np.ndarray:
    """(N, D) the vectors of every conversation, one after the other."""
    try:
        rows = [np.asarray(list(table[key]), dtype=np.float32).reshape(len(table[key]), -1) for key in splits]
        return np.concatenate(rows)
    except (ValueError, TypeError) as error:
        raise DataError(f"{source}: {name} should be one vector per utterance, all of one width ({error}).") from error


def _speaker(value: Any) -> str:
    if isinstance(value, (str, bytes)):
        return _string(value)
    row = np.asarray(value)
    return f"s{int(row.argmax())}" if row.ndim else str(value)


def _label(value: Any, labels: tuple[str, ...]) -> str | None:
    number = int(value)
    return None if number < 0 else labels[number] if number < len(labels) else str(number)


def _sentence(value: Any) -> str | None:
    return None if value is None else _string(value)


def _string(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    return str(value)
