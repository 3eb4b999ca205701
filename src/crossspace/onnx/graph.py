"""A model as one graph for a conversation of any length and any missing modalities."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Block, Layout
from crossspace.models.base import Model


class OneConversation(Layout):
    """The arrangement of N rows in one conversation, where N is known only when the graph runs.

    Args:
        rows: N, maybe a symbol.
        causal: as for :class:`Layout`.
    """

    def __init__(self, rows: int, causal: bool = False) -> None:
        self._rows = rows
        self.lengths, self.device = (rows,), torch.device("cpu")
        self.memory, self.causal = None, causal
        self._pairs, self._bands = {}, {}
        steps, only = torch.arange(rows), torch.zeros(1, dtype=torch.long)
        valid = torch.ones(1, rows, dtype=torch.bool)
        # Plain attributes take the place of cached properties, whose lock no graph can hold.
        known = {
            "positions": steps,
            "conversations": torch.zeros(rows, dtype=torch.long),
            "blocks": (Block(steps.unsqueeze(0), valid, True, only),),
            "padded_rows": steps,
            "places": steps,
        }
        for name, value in known.items():
            setattr(self, name, value)

    def __len__(self) -> int:
        return self._rows

    @property
    def past(self) -> OneConversation:
        """The same rows, of which each sees itself and those before it."""
        return OneConversation(self._rows, causal=True)

    @property
    def longest(self) -> int:
        """Utterances of the conversation."""
        return self._rows


class _OneConversationBatch(Batch):
    @property
    def layout(self) -> OneConversation:
        """Of its one conversation."""
        return OneConversation(self.speakers.shape[0])


class Graph(nn.Module):
    """From features, presence and speakers of one conversation to logits.

    Args:
        model: in evaluation mode.
        heads: the modalities that have classifiers of their own.
    """

    def __init__(self, model: Model, heads: tuple[str, ...]) -> None:
        super().__init__()
        self.model, self.heads = model, heads

    def forward(
        self, features: Mapping[str, Tensor], present: Mapping[str, Tensor], speakers: Tensor
    ) -> tuple[Tensor, ...]:
        """``{modality: (N, D)}``, ``{modality: (N,)}`` and (N,) to (N, C), once fused and once per head."""
        batch = _OneConversationBatch(
            features=features,
            present=present,
            lengths=torch.zeros(1, dtype=torch.long),
            speakers=speakers,
            labels=speakers,
            complete=frozenset(),  # masks are always looked at: whether they are needed is not known beforehand
        )
        output = self.model(batch)
        return (output.logits, *(output.unimodal[m] for m in self.heads))
