"""The card of a model: what it was made for, what it must not be used for."""

from __future__ import annotations

import re
from pathlib import Path

from crossspace.onnx.loading import AnyPredictor
from crossspace.onnx.places import CARD
from crossspace.onnx.predictor import ExportedPredictor

_HEAD = re.compile(r"\A---\r?\n.*?\n---\r?\n+", re.DOTALL)
"""What hubs read of a card, and people need not."""


def body_of(card: str) -> str:
    """A card without its head, as people read it."""
    return _HEAD.sub("", card)


def card_of(predictor: AnyPredictor) -> str | None:
    """The card of a model, in Markdown, if it has one."""
    if isinstance(predictor, ExportedPredictor):
        own = predictor.folder / CARD if predictor.folder is not None else None
        return own.read_text(encoding="utf-8", errors="replace") if own is not None and own.is_file() else None
    # The card of a run lies beside the folders of its seeds.
    for folder in (Path(predictor.name), Path(predictor.name).parent):
        path = folder / CARD
        ours = any((folder / name).exists() for name in ("config.json", "config.yaml"))
        if ours and path.is_file():
            return path.read_text(encoding="utf-8")
    return None
