"""A batch of conversations as models see it: rows are real utterances, with no padding anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from crossspace.data.conversation import Conversation
from crossspace.data.layout import Layout
from crossspace.data.memory import Memory
from crossspace.data.task import UNLABELLED, TaskSpec
from crossspace.errors import MismatchError


@dataclass(frozen=True, eq=False)
class Batch:
    """N utterances of B conversations, one conversation after the other.

    Attributes:
        features: ``{modality: (N, D)}`` float; rows where the modality is missing hold zeros that nobody reads.
        present: ``{modality: (N,)}`` bool, False where the modality is missing.
        lengths: (B,) utterances of each conversation; always on the CPU.
        speakers: (N,) speaker index.
        labels: (N,) label index, -100 where unlabelled.
        conversation_ids: (B,) names, for messages and tables.
        complete: the modalities known to be present in every row; worked out when not given.
        memory: of the earlier utterances of the same conversations, when they are read piece by piece.
    """

    features: Mapping[str, Tensor]
    present: Mapping[str, Tensor]
    lengths: Tensor
    speakers: Tensor
    labels: Tensor
    conversation_ids: Sequence[str] = field(default=())
    complete: frozenset[str] | None = None
    memory: Memory | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "lengths", torch.as_tensor(self.lengths).cpu())
        if self.complete is None:
            complete = frozenset(m for m, present in self.present.items() if bool(present.all()))
            object.__setattr__(self, "complete", complete)

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def layout(self) -> Layout:
        """Positions and padded blocks of the rows, on the device of the rows."""
        return Layout(self.lengths.tolist(), self.labels.device, self.memory)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """The same batch on another device (``lengths`` stay on the CPU)."""

        def move(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=non_blocking)

        return replace(
            self,
            features={m: move(x) for m, x in self.features.items()},
            present={m: move(p) for m, p in self.present.items()},
            speakers=move(self.speakers),
            labels=move(self.labels),
        )

    def presence(self, modality: str) -> Tensor | None:
        """(N,) bool presence of ``modality``, or None where it is known to be complete and no mask is needed."""
        return None if modality in (self.complete or ()) else self.present[modality]

    def keep(self, modalities: Iterable[str]) -> Batch:
        """The same batch with every modality but those named missing in every utterance."""
        kept = frozenset(modalities)
        present = {m: p if m in kept else torch.zeros_like(p) for m, p in self.present.items()}
        return replace(self, present=present, complete=frozenset(self.complete or ()) & kept)


def collate(conversations: Sequence[Conversation], task: TaskSpec) -> Batch:
    """Put conversations one after the other.

    Raises:
        MismatchError: a feature vector has another width than the task or is not finite, or a label is unknown to it.
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
        conversation_ids=tuple(c.id for c in conversations),
    )


def _column(utterances: Sequence, modality: str, width: int) -> tuple[Tensor, Tensor]:
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
