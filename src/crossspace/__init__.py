"""crossspace: multimodal emotion recognition in conversation.

The public names below are loaded on first use, so that ``import crossspace`` is fast and needs no PyTorch.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.2.0"

_HOME = {
    "Utterance": "crossspace.data.conversation",
    "Conversation": "crossspace.data.conversation",
    "TaskSpec": "crossspace.data.task",
    "Corpus": "crossspace.data.corpus",
    "Batch": "crossspace.batching.batch",
    "Model": "crossspace.models.base",
    "Output": "crossspace.output",
    "Predictor": "crossspace.predict",
    "Stream": "crossspace.inference.stream",
    "analyze": "crossspace.analysis.analyze",
    "Analysis": "crossspace.analysis.analysis",
    "Analyzer": "crossspace.analysis.analyzer",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'crossspace' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
