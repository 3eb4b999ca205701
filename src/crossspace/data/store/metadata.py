"""What a corpus says of itself beyond its rows, and how that is written into the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crossspace.data.sentiment import SENTIMENTS
from crossspace.data.store.schema import is_modality_name
from crossspace.data.task import TaskSpec
from crossspace.errors import DataError, UsageError
from crossspace.reading import check_format, reading
from crossspace.stores import Where

FORMAT_VERSION = 1
"""Version of the file format that this release writes, and the newest that it reads."""

_AGAIN = "Import the corpus again."
_Kind = TypeVar("_Kind")


@dataclass(frozen=True)
class Metadata:
    """The description of a corpus.

    Attributes:
        spec: labels in index order, width of every modality, and whether speakers are global (their names) or local
            to the conversation (how many are told apart).
        name: short name of the corpus.
        source: where it came from.
        licence: the terms under which it may be used.
        extractors: ``{modality: {"name", "version", "parameters"}}``, what made the features.
        ceilings: ``{split: accuracy}`` that nobody can expect to surpass there, for a corpus whose process is known.
        heard: ``{conversation: what was heard of its recording}`` where that is not all of the only sound it has:
            ``track 2 of 3``, ``channel 1 of 2``, ``channels Ann, Ben``.
        cut: ``{"rule", "fraction", "seed"}`` by which splits were cut here; empty where they are those of the source.

    Raises:
        DataError: a modality's name cannot be a column, or an extractor belongs to no modality.
    """

    spec: TaskSpec
    name: str = "corpus"
    source: str = ""
    licence: str = ""
    extractors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ceilings: Mapping[str, float] = field(default_factory=dict)
    cut: Mapping[str, Any] = field(default_factory=dict)
    heard: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        wrong = [m for m in self.spec.modalities if not is_modality_name(m)]
        if wrong:
            raise DataError(f"Names of modalities may hold letters, digits, '_' and '-' only. Found {wrong}.")
        strange = sorted(set(self.extractors) - set(self.spec.modalities))
        if strange:
            raise DataError(f"Extractors are given for {strange}; the modalities are {list(self.spec.modalities)}.")
        object.__setattr__(self, "extractors", {m: _extractor(self.extractors[m]) for m in sorted(self.extractors)})

    def content(self) -> dict[str, Any]:
        """The part of the description that changes what the rows mean, and therefore the fingerprint."""
        task = self.spec.to_dict()
        return {**task, "widths": list(task["widths"].items()), "extractors": dict(self.extractors)}


@dataclass(frozen=True)
class Seal:
    """What was measured of the rows when a file was written.

    Attributes:
        fingerprint: SHA-256 of the content of the corpus, hexadecimal.
        features: ``{modality: SHA-256 of its features}``.
        conversations, utterances: how many there are.
    """

    fingerprint: str
    features: Mapping[str, str]
    conversations: int
    utterances: int


def dump(metadata: Metadata, seal: Seal) -> bytes:
    """The JSON that stands in the file metadata."""
    spec = metadata.spec
    local = isinstance(spec.speakers, int)
    speakers = (
        {"identities": "local", "slots": spec.speakers}
        if local
        else {
            "identities": "global",
            "names": list(spec.speakers),  # type: ignore[arg-type]
        }
    )
    data = {
        "format_version": FORMAT_VERSION,
        "name": metadata.name,
        "source": metadata.source,
        "licence": metadata.licence,
        "labels": list(spec.labels),
        "speakers": speakers,
        "modalities": {m: _modality(metadata, m) for m in spec.widths},
        "conversations": seal.conversations,
        "utterances": seal.utterances,
        "feature_digests": dict(seal.features),
        "fingerprint": seal.fingerprint,
    }
    if spec.sentiments != SENTIMENTS:
        data["sentiments"] = list(spec.sentiments)
    if metadata.ceilings:
        data["ceilings"] = dict(metadata.ceilings)
    if metadata.cut:
        data["cut"] = dict(metadata.cut)
    if metadata.heard:
        data["heard"] = dict(metadata.heard)
    return json.dumps(data, ensure_ascii=False).encode()


def _modality(metadata: Metadata, modality: str) -> dict[str, Any]:
    spec = metadata.spec
    plain = {"width": spec.widths[modality], "extractor": metadata.extractors.get(modality)}
    return {**plain, "vectors": spec.vectors[modality]} if modality in spec.vectors else plain


def parse(raw: bytes, path: Where) -> tuple[Metadata, Seal]:
    """Read what :func:`dump` wrote.

    Raises:
        DataError: the JSON is damaged, misses something, or is of a newer format.
    """
    with reading(path, "JSON metadata under 'crossspace'", _AGAIN):
        data = json.loads(raw)
        version = data.get("format_version") if isinstance(data, dict) else None
        if version is None:
            raise DataError(
                f"{path}: the metadata under 'crossspace' should be JSON with a 'format_version'. Found none. {_AGAIN}"
            )
        check_format(version, FORMAT_VERSION, f"{path} (a corpus)")
        if version != FORMAT_VERSION:
            raise DataError(
                f"{path}: this release reads format version {FORMAT_VERSION}. Found {version!r}. "
                "Install the release of crossspace that wrote the file, or import the corpus again."
            )
        try:
            return _parse(data)
        except UsageError as error:  # what a task refuses is here the fault of the file
            raise DataError(f"{path}: its metadata contradict each other: {error} {_AGAIN}") from error


def _parse(data: dict[str, Any]) -> tuple[Metadata, Seal]:
    speakers, modalities = _get(data, "speakers", dict), _get(data, "modalities", dict)
    local = _get(speakers, "identities", str) == "local"
    spec = TaskSpec(
        labels=_names(data, "labels"),
        widths={m: _get(value, "width", int) for m, value in modalities.items()},
        speakers=_get(speakers, "slots", int) if local else _names(speakers, "names"),
        sentiments=_names(data, "sentiments") if "sentiments" in data else SENTIMENTS,
        vectors={m: _get(value, "vectors", int) for m, value in modalities.items() if "vectors" in value},
    )
    extractors = {m: value["extractor"] for m, value in modalities.items() if value.get("extractor")}
    ceilings = {str(split): float(value) for split, value in (data.get("ceilings") or {}).items()}
    name, source, licence = (_get(data, key, str) for key in ("name", "source", "licence"))
    digests = _get(data, "feature_digests", dict)
    counts = [_get(data, key, int) for key in ("conversations", "utterances")]
    missing = set(spec.modalities) - set(digests)
    if missing:
        raise ValueError(f"'feature_digests' lacks {sorted(missing)}")
    cut = _get(data, "cut", dict) if "cut" in data else {}
    heard = {str(name): str(what) for name, what in (_get(data, "heard", dict) if "heard" in data else {}).items()}
    metadata = Metadata(spec, name, source, licence, extractors, ceilings, cut, heard)
    return metadata, Seal(_get(data, "fingerprint", str), digests, *counts)


def _names(data: dict[str, Any], key: str) -> tuple[str, ...]:
    names = _get(data, key, list)
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"{key!r} should be a list of names")
    return tuple(names)


def _get(data: Any, key: str, kind: type[_Kind]) -> _Kind:
    # type, not isinstance: true would pass for the number 1.
    if not isinstance(data, dict) or type(data.get(key)) is not kind:
        raise ValueError(f"{key!r} should be there, of type {kind.__name__}")
    return data[key]


def _extractor(identity: Mapping[str, Any]) -> dict[str, Any]:
    known = {
        "name": str(identity["name"]),
        "version": str(identity.get("version", "")),
        "parameters": dict(identity.get("parameters") or {}),
    }
    # Through JSON and back: tuples become lists, so that a corpus in memory equals the same one from a file.
    return json.loads(json.dumps(known, sort_keys=True))
