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
from crossspace.data.store.schema import RECOGNISED
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
        extractors = content.get("extractors") or {}
        if not isinstance(extractors, dict) or not all(
            isinstance(e, dict) and "name" in e for e in extractors.values()
        ):
            raise DataError(
                f'{path}: "extractors" should be an object with {{"name", "version", "parameters"}} by modality, as a '
                "corpus states them. Correct it or leave it out."
            )
        return conversation, {modality_name(m): e for m, e in extractors.items()}


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
        # The utterances are still looked at: whoever mends the file wants all its faults in one go.
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
    by_modality = item.get("features")
    # Only null and absence mean "no features": an empty list in their place is a fault like any other.
    by_modality = {} if by_modality is None else by_modality
    if not isinstance(by_modality, dict):
        raise ValueError(f"'features' should be an object, found {type(by_modality).__name__}")
    features: dict[str, np.ndarray] = {}
    for modality, values in by_modality.items():
        if values is None:
            continue
        # "a" and "acoustic" are both audio: the second would silently replace the first.
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
        recognised=_recognised(item),
    )


def _recognised(item: dict[str, Any]) -> dict[str, float]:
    """How sure a recogniser was of what no person wrote, as an analysis writes it."""
    stated = item.get("recognised")
    stated = {} if stated is None else stated
    known = isinstance(stated, dict) and set(stated) <= set(RECOGNISED)
    if not known or not all(type(x) in (int, float) and 0 <= x <= 1 for x in stated.values()):
        raise ValueError(
            f"'recognised' should hold numbers from 0 to 1 under {' and '.join(RECOGNISED)}. Found {shown(stated)}"
        )
    return {what: float(x) for what, x in stated.items()}


def _name(item: dict[str, Any], key: str, default: str) -> str:
    """A name: text, or a whole number; made up where it is absent, null or empty."""
    value = item.get(key)
    if value is None or value == "":
        return default
    try:
        return string(value)
    except Unfit as error:
        raise ValueError(f"{key!r}: {error}") from error


def _text(item: dict[str, Any]) -> str | None:
    text = item.get("text")
    if text is None or isinstance(text, str):
        return text if text is None else unicode(text)
    raise ValueError(f"'text' should be text. Found {shown(text)}")


def _vector(modality: str, values: Any) -> np.ndarray:
    try:
        row = vector(values)
        with np.errstate(over="ignore"):  # too large becomes infinite, which is refused below
            numbers = np.asarray(row, dtype=np.float32)
    except Unfit as error:
        raise ValueError(f"{modality} should be a list of finite numbers; {error}") from error
    if not np.isfinite(numbers).all():
        raise ValueError(f"{modality} should be a list of finite numbers; some are not finite, or too large")
    return numbers


def _time(item: dict[str, Any], key: str) -> float | None:
    value = item.get(key)
    if value is None:
        return None
    try:
        # float(True) is 1.0; a NaN fails the comparison below, so every kind of nonsense ends in one message.
        time = math.nan if isinstance(value, bool) else float(value)
    except (ValueError, TypeError, OverflowError):
        time = math.nan
    if not 0 <= time <= LATEST:
        raise ValueError(f"{key!r} should be seconds from 0 to {LATEST:,.0f}. Found {str(value)[:30]!r}")
    return time
