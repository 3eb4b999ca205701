"""A conversation as JSON: how people and other programs hand one over for prediction."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.json_text import parsed
from crossspace.data.names import modality_name
from crossspace.errors import DataError

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
    try:
        content = parsed(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} should be a conversation as JSON. Found: {error}.") from error
    return conversation_from_dict(content, str(path))


def conversation_from_dict(content: Any, source: str = "the conversation") -> Conversation:
    """A conversation from the content of such a JSON file.

    Raises:
        DataError: every fault of the content.
    """
    if not isinstance(content, dict) or not isinstance(content.get("utterances"), list):
        raise DataError(f'{source} should be an object with a list "utterances". Found {type(content).__name__}.')
    name, seen = _id(content, "conversation"), set()
    faults, utterances = [], []
    for number, item in enumerate(content["utterances"]):
        try:
            utterance = _utterance(item, f"{name}_{number}")
            if utterance.id in seen:
                raise ValueError(f"the id {utterance.id[:50]!r} occurs twice; ids should be unique")
        except (ValueError, TypeError) as error:
            faults.append(f"utterance {number}: {error}")
        else:
            seen.add(utterance.id)
            utterances.append(utterance)
    if faults:
        raise DataError(f"{source} cannot be read:\n  " + "\n  ".join(faults))
    return Conversation(name, tuple(utterances))


def _utterance(item: Any, default_id: str) -> Utterance:
    if not isinstance(item, dict):
        raise ValueError(f"should be an object, found {type(item).__name__}")
    given, features = item.get("features") or {}, {}
    if not isinstance(given, dict):
        raise ValueError(f"'features' should be an object, found {type(given).__name__}")
    for modality, values in given.items():
        if values is None:
            continue
        features[modality_name(modality)] = _vector(modality, values)
    return Utterance(
        id=_id(item, default_id),
        speaker=str(item.get("speaker") or "speaker"),
        text=item.get("text"),
        start=_time(item, "start"),
        end=_time(item, "end"),
        label=None,
        features=features,
    )


def _id(item: dict[str, Any], default: str) -> str:
    found = item.get("id")
    return default if found is None else str(found)


def _vector(modality: str, values: Any) -> np.ndarray:
    try:
        with np.errstate(over="ignore"):  # too large becomes infinite, which is refused below
            vector = np.asarray(values, dtype=np.float32)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{modality} should be a list of finite numbers") from error
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise ValueError(f"{modality} should be a list of finite numbers")
    return vector


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
