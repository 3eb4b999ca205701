"""From conversations, or from places in a corpus, to a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from crossspace.batching.batch import Batch
from crossspace.data.conversation import Conversation, Utterance
from crossspace.data.sentiment import implied_indices
from crossspace.data.task import UNLABELLED, TaskSpec
from crossspace.errors import MismatchError

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus


def collate(conversations: Sequence[Conversation], task: TaskSpec) -> Batch:
    """Put conversations one after the other.

    Raises:
        MismatchError: a feature vector has another width than the task or is not finite, or a label or sentiment is
            unknown to it.
    """
    utterances = [u for conversation in conversations for u in conversation.utterances]
    index = {label: i for i, label in enumerate(task.labels)}
    labels = torch.full((len(utterances),), UNLABELLED)
    for row, utterance in enumerate(utterances):
        if utterance.label is not None:
            if utterance.label not in index:
                raise MismatchError(
                    f"Utterance {utterance.id!r} has the label {utterance.label!r}; the task knows {list(task.labels)}."
                )
            labels[row] = index[utterance.label]
    implied = dict(zip(task.labels, implied_indices(task.labels, task.sentiments, UNLABELLED), strict=True))
    places = {sentiment: place for place, sentiment in enumerate(task.sentiments)}
    for u in utterances:
        if u.sentiment is not None and u.sentiment not in places:
            raise MismatchError(
                f"Utterance {u.id!r} has the sentiment {u.sentiment!r}; the task knows {list(task.sentiments)}."
            )
    sentiments = [
        implied.get(u.label or "", UNLABELLED) if u.sentiment is None else places[u.sentiment] for u in utterances
    ]
    features, present = {}, {}
    for modality, width in task.widths.items():
        features[modality], present[modality] = _column(utterances, modality, width)
    speakers = [
        i for c in conversations for i in task.speaker_indices([utterance.speaker for utterance in c.utterances])
    ]
    return Batch(
        features=features,
        present=present,
        lengths=torch.tensor([len(c) for c in conversations], dtype=torch.long),
        speakers=torch.tensor(speakers, dtype=torch.long),
        labels=labels,
        sentiments=torch.tensor(sentiments, dtype=torch.long),
        conversation_ids=tuple(c.id for c in conversations),
    )


def batch_of(corpus: Corpus, split: str | None, indices: Sequence[int]) -> Batch:
    """Conversations of a split, by their place in it, as one batch, without building utterance objects.

    Raises:
        DataError: the features cannot be read, or hold numbers that are not finite.
    """
    columns = corpus.columns(split, indices)
    return Batch(
        features={m: torch.from_numpy(values) for m, values in columns.features.items()},
        present={m: torch.from_numpy(present) for m, present in columns.present.items()},
        lengths=torch.from_numpy(columns.lengths),
        speakers=torch.from_numpy(columns.speakers),
        labels=torch.from_numpy(columns.labels),
        sentiments=torch.from_numpy(columns.sentiments),
        conversation_ids=columns.conversation_ids,
    )


def _column(utterances: Sequence[Utterance], modality: str, width: int) -> tuple[Tensor, Tensor]:
    values = np.zeros((len(utterances), width), dtype=np.float32)
    present = np.zeros(len(utterances), dtype=bool)
    for row, utterance in enumerate(utterances):
        vector = utterance.features.get(modality)
        if vector is None:
            continue
        vector = np.asarray(vector, dtype=np.float32)
        if vector.shape != (width,):
            raise MismatchError(
                f"Utterance {utterance.id!r}: {modality} should have {width} features, found shape {vector.shape}."
            )
        if not np.isfinite(vector).all():
            raise MismatchError(f"Utterance {utterance.id!r}: {modality} should have finite features. Found others.")
        values[row], present[row] = vector, True
    return torch.from_numpy(values), torch.from_numpy(present)
