"""A batch of conversations as models see it: rows are real utterances, with no padding anywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from crossspace.batching.layout import Layout
from crossspace.batching.memory import Memory


@dataclass(frozen=True, eq=False)
class Batch:
    """N utterances of B conversations, one conversation after the other.

    Attributes:
        features: ``{modality: (N, D)}`` float; rows where the modality is missing hold zeros that nobody reads.
        present: ``{modality: (N,)}`` bool, False where the modality is missing.
        lengths: (B,) utterances of each conversation; always on the CPU.
        speakers: (N,) speaker index.
        labels: (N,) label index, -100 where unlabelled.
        sentiments: (N,) index of the second label, -100 where there is none; nothing in a batch made without it.
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
    sentiments: Tensor | None = None

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
        """The same batch on another device (``lengths`` stay on the CPU).

        Args:
            device: where to.
            non_blocking: do not wait until a CUDA device has finished what it is at, and copy then.
        """
        # Only from memory that is locked a device copies by itself; PyTorch keeps it until that is done.
        locked = non_blocking and torch.device(device).type == "cuda"

        def move(tensor: Tensor) -> Tensor:
            source = tensor.pin_memory() if locked and tensor.is_cpu else tensor
            return source.to(device, non_blocking=non_blocking)

        return replace(
            self,
            features={m: move(x) for m, x in self.features.items()},
            present={m: move(p) for m, p in self.present.items()},
            speakers=move(self.speakers),
            labels=move(self.labels),
            sentiments=None if self.sentiments is None else move(self.sentiments),
        )

    def presence(self, modality: str) -> Tensor | None:
        """(N,) bool presence of ``modality``, or None where it is known to be complete and no mask is needed."""
        return None if modality in (self.complete or ()) else self.present[modality]

    def keep(self, modalities: Iterable[str]) -> Batch:
        """The same batch with every modality but those named missing in every utterance."""
        kept = frozenset(modalities)
        present = {m: p if m in kept else torch.zeros_like(p) for m, p in self.present.items()}
        return replace(self, present=present, complete=frozenset(self.complete or ()) & kept)
