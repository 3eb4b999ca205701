"""A conversation as JSON: how people and other programs hand one over for prediction."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.foreign.json_text import parsed
from crossspace.data.foreign.plain import Unfit, shown, string, unicode, vector
from crossspace.data.names import modality_name
from crossspace.data.store.checks import shorten
from crossspace.errors import DataError
from crossspace.reading import reading

LATEST = 36_000_000.0
"""Seconds, 10,000 hours: beyond this a time is taken to be a mistake."""


def read_conversation(path: str | Path) -> Conversation:
    """A conversation from JSON: ``{"id", "utterances": [{"speaker", "id", "text", "start", "end", "features"}]}``.

    Only ``utterances`` and in each ``speaker`` and ``features`` ``{modality: [numbers]}`` are needed; ids are made up
    where they lack.

    Raises:
        DataError: the file is missing or is no such conversation; every fault is named.
    """
    path = Path(path)
    with reading(path, "a conversation as JSON", "Correct the file."):
        return conversation_from_dict(parsed(path.read_text(encoding="utf-8")), str(path))


def read_with_extractors(path: str | Path) -> tuple[Conversation, dict[str, dict[str, Any]]]:
    """As :func:`read_conversation`, and what the file says under ``extractors`` of what made its features.

    Raises:
        DataError: the file is missing or is no such conversation; every fault is named.
    """
    path = Path(path)
    with reading(path, "a conversation as JSON", "Correct the file."):
        content = parsed(path.read_text(encoding="utf-8"))
        conversation = conversation_from_dict(content, str(path))
        found = content.get("extractors") or {}
        if not isinstance(found, dict) or not all(isinstance(e, dict) and "name" in e for e in found.values()):
            raise DataError(
                f'{path}: "extractors" should be an object with {{"name", "version", "parameters"}} by modality, as a '
                "corpus states them. Correct it or leave it out."
            )
        return conversation, {modality_name(m): e for m, e in found.items()}


def conversation_from_dict(content: Any, source: str = "the conversation") -> Conversation:
    """A conversation from the content of such a JSON file.

    Raises:
        DataError: every fault of the content.
    """
    if not isinstance(content, dict) or not isinstance(content.get("utterances"), list):
        raise DataError(f'{source} should be an object with a list "utterances". Found {type(content).__name__}.')
    faults: list[str] = []
    try:
        name = _name(content, "id", "conversation")
    except ValueError as error:
        name = "conversation"
        faults.append(f"'id': {error}")
    seen: set[str] = set()
    utterances: list[Utterance] = []
    for number, item in enumerate(content["utterances"]):
        try:
            utterance = _utterance(item, f"{name}_{number}")
            if utterance.id in seen:
                raise ValueError(f"the id {utterance.id[:50]!r} occurs twice; ids should be unique")
        except ValueError as error:
            faults.append(f"utterance {number}: {error}")
        else:
            seen.add(utterance.id)
            utterances.append(utterance)
    if faults:
        raise DataError(f"{source} cannot be read:\n  " + "\n  ".join(shorten(faults)))
    return Conversation(name, tuple(utterances))


def _utterance(item: Any, default_id: str) -> Utterance:
    if not isinstance(item, dict):
        raise ValueError(f"should be an object, found {type(item).__name__}")
    given, features = item.get("features"), {}
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise ValueError(f"'features' should be an object, found {type(given).__name__}")
    for modality, values in given.items():
        if values is None:
            continue
        if modality_name(modality) in features:
            raise ValueError(f"'features' names {modality_name(modality)} twice, once as {modality!r}")
        features[modality_name(modality)] = _vector(modality, values)
    return Utterance(
        id=_name(item, "id", default_id),
        speaker=_name(item, "speaker", "speaker"),
        text=_text(item),
        start=_time(item, "start"),
        end=_time(item, "end"),
        label=None,
        features=features,
    )


def _name(item: dict[str, Any], key: str, default: str) -> str:
    """A name: text, or a whole number; made up where it is absent, null or empty."""
    found = item.get(key)
    if found is None or found == "":
        return default
    try:
        return string(found)
    except Unfit as error:
        raise ValueError(f"{key!r}: {error}") from error


def _text(item: dict[str, Any]) -> str | None:
    found = item.get("text")
    if found is None or isinstance(found, str):
        return found if found is None else unicode(found)
    raise ValueError(f"'text' should be text. Found {shown(found)}")


def _vector(modality: str, values: Any) -> np.ndarray:
    try:
        found = vector(values)
        with np.errstate(over="ignore"):  # too large becomes infinite, which is refused below
            numbers = np.asarray(found, dtype=np.float32)
    except Unfit as error:
        raise ValueError(f"{modality} should be a list of finite numbers; {error}") from error
    if not np.isfinite(numbers).all():
        raise ValueError(f"{modality} should be a list of finite numbers; some are not finite, or too large")
    return numbers


def _time(item: dict[str, Any], key: str) -> float | None:
    found = item.get(key)
    if found is None:
        return None
    try:
        time = math.nan if isinstance(found, bool) else float(found)
    except (ValueError, TypeError, OverflowError):
        time = math.nan
    if not 0 <= time <= LATEST:
        raise ValueError(f"{key!r} should be seconds from 0 to {LATEST:,.0f}. Found {str(found)[:30]!r}")
    return time
