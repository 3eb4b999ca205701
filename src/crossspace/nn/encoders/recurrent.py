"""A recurrent encoder over the utterances of each conversation, in both directions or forwards."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from crossspace.batching.layout import Layout
from crossspace.bounds import check_counts
from crossspace.errors import UsageError
from crossspace.nn.encoders.base import Encoder
from crossspace.nn.ragged import map_blocks, reorder
from crossspace.nn.recurrence import stacked_gru, stacked_lstm
from crossspace.nn.scanned import scanned


class RecurrentEncoder(Encoder):
    """Base of the encoders whose directions, each a recurrence, together are ``out_width`` wide.

    Args:
        width: features of the input rows.
        out_width: features of the output rows, as many as of the input rows if none; even, unless ``causal``.
        layers: stacked recurrent layers.
        dropout: between stacked layers.
        causal: read forwards only.

    Attributes:
        kind: the recurrence.
    """

    kind: ClassVar[type[nn.GRU] | type[nn.LSTM]]

    def __init__(
        self, width: int, out_width: int | None = None, *, layers: int = 1, dropout: float = 0.0, causal: bool = False
    ) -> None:
        super().__init__()
        check_counts(layers=layers)
        out_width = width if out_width is None else out_width
        if out_width % 2 and not causal:
            raise UsageError(f"The width of a bidirectional encoder should be even. Found {out_width}.")
        self.cell = self.kind(
            width,
            out_width if causal else out_width // 2,
            num_layers=layers,
            bidirectional=not causal,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
        )

    def forward(self, rows: Tensor, layout: Layout, visible: Tensor | None = None) -> Tensor:
        """(N, width) rows to (N, out_width).

        Rows that are not ``visible`` are skipped: the state passes over them unchanged and their own output is zero.
        """
        if torch.compiler.is_exporting():
            return scanned(self.cell, rows, visible, alone=layout.longest == 1)
        state = self._state(rows, layout)
        if visible is not None:
            return _scatter(self._run(rows[visible], _sublayout(layout, visible), state), visible)
        return self._run(rows, layout, state)

    def _state(self, rows: Tensor, layout: Layout) -> Tensor | None:
        """(1, or 2 for an LSTM; layers; B; out_width): what the memory of the layout keeps, which each pass renews."""
        if layout.memory is None:
            return None
        parts = 2 if isinstance(self.cell, nn.LSTM) else 1
        start = rows.new_zeros(parts, self.cell.num_layers, len(layout.lengths), self.cell.hidden_size)
        return layout.memory.kept.setdefault(self, start)

    def _run(self, rows: Tensor, layout: Layout, state: Tensor | None) -> Tensor:
        if not len(layout):
            return rows.new_zeros(0, self.cell.hidden_size * (1 + self.cell.bidirectional))
        if rows.is_cpu and torch.is_autocast_enabled("cpu"):
            rows = rows.float()  # not every processor has recurrences in bfloat16, and there PyTorch ends in an error
        with torch.autocast("cpu", enabled=False):
            if rows.is_cpu and state is None:
                if isinstance(self.cell, nn.LSTM):
                    return map_blocks(partial(stacked_lstm, self.cell), layout, rows)
                return stacked_gru(self.cell, rows, layout)
            walk = layout.forward_walk
            # The order of a walk is that of a packed sequence: all conversations at once, and nothing is padded.
            packed = PackedSequence(reorder(rows, walk.rows, walk.places), torch.tensor(walk.sizes))
            output = self._packed(packed, state, layout.conversations[walk.rows[: walk.sizes[0]]])
        return reorder(output.data, walk.places, walk.rows)

    def _packed(self, packed: PackedSequence, state: Tensor | None, running: Tensor) -> PackedSequence:
        if state is None:
            return self.cell(packed)[0]
        output, state[:, :, running] = self._continued(packed, state[:, :, running])
        return output

    def _continued(self, packed: PackedSequence, state: Tensor) -> tuple[PackedSequence, Tensor]:
        if isinstance(self.cell, nn.LSTM):
            output, (hidden, cell) = self.cell(packed, (state[0], state[1]))
            return output, torch.stack([hidden, cell])
        output, hidden = self.cell(packed, state[0])
        return output, hidden.unsqueeze(0)


def _sublayout(layout: Layout, visible: Tensor) -> Layout:
    parts = visible.cpu().split(list(layout.lengths))
    return Layout([int(part.sum()) for part in parts], device=layout.device)


def _scatter(rows: Tensor, visible: Tensor) -> Tensor:
    return rows.new_zeros(len(visible), rows.shape[1]).index_put((torch.nonzero(visible)[:, 0],), rows)
