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
        steps, none = torch.arange(rows), torch.zeros(rows, dtype=torch.long)
        self._know(positions=steps, conversations=none, places=steps.unsqueeze(0), members=none[:1])

    def _know(self, positions: Tensor, conversations: Tensor, places: Tensor, members: Tensor) -> None:
        """Set what a layout otherwise finds out when it is asked: the lock of a cached property no graph can hold.

        Args:
            positions, conversations: (N,).
            places: (b, t) the row at each place of the only block, whose conversations are the (b,) ``members``.
        """
        valid = torch.ones_like(places, dtype=torch.bool)
        known = {
            "positions": positions,
            "conversations": conversations,
            "blocks": (Block(places, valid, True, members),),
            "padded_rows": places.flatten(),
            "places": places.flatten(),
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
    def alone(self) -> OneConversation:
        """The same rows, each a conversation of its own."""
        return _Alone(self._rows)

    @property
    def longest(self) -> int:
        """Utterances of the conversation."""
        return self._rows


class _Alone(OneConversation):
    """N conversations of a single row."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        steps = torch.arange(rows)
        self._know(torch.zeros(rows, dtype=torch.long), conversations=steps, places=steps.unsqueeze(1), members=steps)

    @property
    def past(self) -> OneConversation:
        """The same: a row alone has none."""
        return self

    @property
    def longest(self) -> int:
        """Of every one."""
        return 1


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
