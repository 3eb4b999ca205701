"""Whether features and a model fit, and what of them does not meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crossspace.data.conversation import Conversation
from crossspace.data.corpus import Corpus
from crossspace.data.task import TaskSpec
from crossspace.errors import MismatchError
from crossspace.features.extractors.base import named

Extractors = Mapping[str, Mapping[str, Any]]
"""``{modality: {"name", "version", "parameters"}}``, what made the features."""


def check_corpus(name: str, task: TaskSpec, trained: Extractors, corpus: Corpus) -> None:
    """Raise :class:`MismatchError` unless the corpus has features that the model was trained on.

    Args:
        name: of the model, for the message.
        task: of the model.
        trained: the extractors of the features that it was trained on.
        corpus: that it is to predict.
    """
    faults = []
    for modality, width in task.widths.items():
        corpus_width = corpus.spec.widths.get(modality)
        if corpus_width is not None and corpus_width != width:
            faults.append(f"{modality}: the model expects {width} features, the corpus has {corpus_width}")
    faults += _foreign(task, trained, corpus.extractors, "the corpus has")
    if not set(task.widths) & set(corpus.spec.widths):
        faults.append(f"the model knows {list(task.widths)}, the corpus {list(corpus.spec.widths)}")
    if faults:
        raise MismatchError(
            f"Model {name} and corpus {corpus.name!r} do not fit: " + "; ".join(faults) + ". Give the "
            "corpus the features of the model, or train a model on this corpus."
        )


def check_conversation(
    name: str, task: TaskSpec, trained: Extractors, conversation: Conversation, extractors: Extractors
) -> None:
    """Raise :class:`MismatchError` where others made the features than those that the model was trained on."""
    if faults := _foreign(task, trained, extractors, "these are of"):
        raise MismatchError(
            f"Model {name} and conversation {conversation.id!r} do not fit: {'; '.join(faults)}. Make the "
            "features with the extractors of the model."
        )


def _foreign(task: TaskSpec, trained: Extractors, extractors: Extractors, those: str) -> list[str]:
    """A clause for every modality whose features were made by another extractor than the model was trained on."""
    return [
        f"{m}: the model was trained on features of {named(own)}, {those} {named(extractors[m])}"
        for m, own in trained.items()
        if m in task.widths and own and extractors.get(m) and dict(own) != dict(extractors[m])
    ]


def unmatched(known: Iterable[str], present: Iterable[str]) -> tuple[list[str], list[str]]:
    """Modalities that a model knows and that are nowhere given, and those given that it does not use."""
    knows, has = list(known), list(present)
    return [m for m in knows if m not in has], [m for m in has if m not in knows]


def said_unmatched(lacking: Sequence[str], unused: Sequence[str], source: str = "the corpus") -> list[str]:
    """What :func:`unmatched` found, a sentence each."""
    said = []
    if lacking:
        said.append(f"The model knows {', '.join(lacking)}, which {source} lacks everywhere: it predicts without.")
    if unused:
        said.append(f"The model does not use {', '.join(unused)} of {source}.")
    if lacking and unused:
        said.append("If one is the other under another name, import the features under the name that the model knows.")
    return said
