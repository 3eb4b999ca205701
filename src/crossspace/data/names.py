"""The names of modalities and splits, and the aliases of the field that are accepted on the way in."""

from __future__ import annotations

SPLITS = ("train", "validation", "test")

_SPLIT_ALIASES = {
    "training": "train",
    "trn": "train",
    "dev": "validation",
    "val": "validation",
    "valid": "validation",
    "development": "validation",
    "tst": "test",
    "testing": "test",
}
_MODALITY_ALIASES = {
    "t": "text",
    "l": "text",
    "language": "text",
    "textual": "text",
    "a": "audio",
    "acoustic": "audio",
    "speech": "audio",
    "v": "visual",
    "vision": "visual",
    "video": "visual",
    "face": "visual",
}


def split_name(name: str) -> str:
    """The canonical name of a split: ``train``, ``validation`` or ``test`` (any other name is returned as it is)."""
    key = str(name).strip().lower()
    return _SPLIT_ALIASES.get(key, key)


def modality_name(name: str) -> str:
    """The canonical name of a modality: ``text``, ``audio``, ``visual``, or the given name in lower case."""
    key = str(name).strip().lower()
    return _MODALITY_ALIASES.get(key, key)
