"""What a corpus says of itself beyond its rows, and how that is written into the file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crossspace.data.schema import is_modality_name
from crossspace.data.task import TaskSpec
from crossspace.errors import CrossspaceError, DataError

FORMAT_VERSION = 1
"""Version of the file format that this release writes, and the newest that it reads."""


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
        cut: ``{"rule", "fraction", "seed"}`` by which splits were cut here; empty where they are those of the source.

    Raises:
        DataError: a modality's name cannot be a column, or an extractor belongs to no modality.
    """

    spec: TaskSpec
    name: str = "corpus"
    source: str = ""
    licence: str = ""
    extractors: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    cut: Mapping[str, Any] = field(default_factory=dict)

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
        "modalities": {m: {"width": d, "extractor": metadata.extractors.get(m)} for m, d in spec.widths.items()},
        "conversations": seal.conversations,
        "utterances": seal.utterances,
        "feature_digests": dict(seal.features),
        "fingerprint": seal.fingerprint,
    }
    if metadata.cut:
        data["cut"] = dict(metadata.cut)
    return json.dumps(data, ensure_ascii=False).encode()


def parse(raw: bytes, path: object) -> tuple[Metadata, Seal]:
    """Read what :func:`dump` wrote.

    Raises:
        DataError: the JSON is damaged, misses something, or is of a newer format.
    """
    try:
        data = json.loads(raw)
        version = data["format_version"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: the metadata under 'crossspace' should be JSON with a 'format_version'. "
            f"Found something else ({error!r}). Import the corpus again."
        ) from error
    if version != FORMAT_VERSION:
        raise DataError(
            f"{path}: this release reads format version {FORMAT_VERSION}. Found {version!r}. "
            "Install the release of crossspace that wrote the file, or import the corpus again."
        )
    try:
        return _parse(data)
    except (KeyError, TypeError, ValueError, AttributeError, CrossspaceError) as error:
        raise DataError(
            f"{path}: the metadata under 'crossspace' is incomplete or damaged ({error!r}). Import the corpus again."
        ) from error


def _parse(data: Mapping[str, Any]) -> tuple[Metadata, Seal]:
    speakers = data["speakers"]
    spec = TaskSpec(
        labels=data["labels"],
        widths={m: value["width"] for m, value in data["modalities"].items()},
        speakers=int(speakers["slots"]) if speakers["identities"] == "local" else tuple(speakers["names"]),
    )
    extractors = {m: value["extractor"] for m, value in data["modalities"].items() if value.get("extractor")}
    metadata = Metadata(
        spec, data["name"], data["source"], data["licence"], extractors, cut=dict(data.get("cut") or {})
    )
    seal = Seal(data["fingerprint"], data["feature_digests"], data["conversations"], data["utterances"])
    missing = set(spec.modalities) - set(seal.features)
    if missing:
        raise KeyError(f"feature_digests of {sorted(missing)}")
    return metadata, seal


def _extractor(given: Mapping[str, Any]) -> dict[str, Any]:
    known = {
        "name": str(given["name"]),
        "version": str(given.get("version", "")),
        "parameters": dict(given.get("parameters") or {}),
    }
    return json.loads(json.dumps(known, sort_keys=True))
