"""A conversation as JSON: how people and other programs hand one over for prediction."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.names import modality_name
from crossspace.errors import DataError


def read_conversation(path: str | Path) -> Conversation:
    """A conversation from JSON: ``{"id", "utterances": [{"speaker", "id", "text", "start", "end", "features"}]}``.

    Only ``utterances`` and in each ``speaker`` and ``features`` ``{modality: [numbers]}`` are needed; ids are made up
    where they lack.

    Raises:
        DataError: the file is missing or is no such conversation; every fault is named.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
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
    name, faults, utterances = str(content.get("id", "conversation")), [], []
    for number, item in enumerate(content["utterances"]):
        try:
            utterances.append(_utterance(item, f"{name}_{number}"))
        except (ValueError, TypeError, AttributeError) as error:
            faults.append(f"utterance {number}: {error}")
    if faults:
        raise DataError(f"{source} cannot be read:\n  " + "\n  ".join(faults))
    return Conversation(name, tuple(utterances))


def _utterance(item: Any, default_id: str) -> Utterance:
    if not isinstance(item, dict):
        raise ValueError(f"should be an object, found {type(item).__name__}")
    features = {}
    for modality, values in (item.get("features") or {}).items():
        if values is None:
            continue
        with np.errstate(over="ignore"):  # too large becomes infinite, which is refused below
            vector = np.asarray(values, dtype=np.float32)
        if vector.ndim != 1 or not np.isfinite(vector).all():
            raise ValueError(f"{modality} should be a list of finite numbers")
        features[modality_name(modality)] = vector
    start, end = (None if item.get(key) is None else float(item[key]) for key in ("start", "end"))
    return Utterance(
        id=str(item.get("id", default_id)),
        speaker=str(item.get("speaker") or "speaker"),
        text=item.get("text"),
        start=start,
        end=end,
        label=None,
        features=features,
    )
