"""Conversations and corpora: what they are, the file they are kept in, and how others' files become one.

The names below are loaded when they are first used, so that asking what there is costs no import of PyTorch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crossspace.data.conversation import Conversation as Conversation
    from crossspace.data.conversation import Utterance as Utterance
    from crossspace.data.corpus import Corpus as Corpus
    from crossspace.data.cuts.recut import resplit as resplit
    from crossspace.data.cuts.rules import folds as folds
    from crossspace.data.cuts.rules import validation_ids as validation_ids
    from crossspace.data.cuts.shares import share_difference as share_difference
    from crossspace.data.cuts.shares import validation_advice as validation_advice
    from crossspace.data.ideal_observer import posteriors as posteriors
    from crossspace.data.importers.synthetic import Synthetic as Synthetic
    from crossspace.data.joins.join import join as join
    from crossspace.data.store.validate import faults as faults
    from crossspace.data.task import UNLABELLED as UNLABELLED
    from crossspace.data.task import TaskSpec as TaskSpec

_HOMES = {
    "Conversation": "conversation",
    "Utterance": "conversation",
    "Corpus": "corpus",
    "posteriors": "ideal_observer",
    "join": "joins.join",
    "resplit": "cuts.recut",
    "share_difference": "cuts.shares",
    "validation_advice": "cuts.shares",
    "folds": "cuts.rules",
    "validation_ids": "cuts.rules",
    "Synthetic": "importers.synthetic",
    "UNLABELLED": "task",
    "TaskSpec": "task",
    "faults": "store.validate",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
