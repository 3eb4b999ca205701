"""Conversations, corpora and batches.

The names below are loaded when they are first used, so that asking what there is costs no import of PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossspace.data.batch import Batch as Batch
    from crossspace.data.batch import collate as collate
    from crossspace.data.conversation import Conversation as Conversation
    from crossspace.data.conversation import Utterance as Utterance
    from crossspace.data.corpus import Corpus as Corpus
    from crossspace.data.cutting import resplit as resplit
    from crossspace.data.ideal_observer import posteriors as posteriors
    from crossspace.data.importers.synthetic import Synthetic as Synthetic
    from crossspace.data.joining import join as join
    from crossspace.data.shares import share_difference as share_difference
    from crossspace.data.shares import validation_advice as validation_advice
    from crossspace.data.splits import folds as folds
    from crossspace.data.splits import validation_ids as validation_ids
    from crossspace.data.task import UNLABELLED as UNLABELLED
    from crossspace.data.task import TaskSpec as TaskSpec
    from crossspace.data.validate import faults as faults

_HOMES = {
    "Batch": "batch",
    "collate": "batch",
    "Conversation": "conversation",
    "Utterance": "conversation",
    "Corpus": "corpus",
    "posteriors": "ideal_observer",
    "join": "joining",
    "resplit": "cutting",
    "share_difference": "shares",
    "validation_advice": "shares",
    "folds": "splits",
    "validation_ids": "splits",
    "Synthetic": "importers.synthetic",
    "UNLABELLED": "task",
    "TaskSpec": "task",
    "faults": "validate",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
