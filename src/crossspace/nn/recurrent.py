"""A bidirectional recurrent encoder over the utterances of each conversation."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from crossspace.data.layout import Block, Layout
from crossspace.errors import UsageError
from crossspace.nn.ragged import map_blocks


class RecurrentEncoder(nn.Module):
    """A bidirectional GRU or LSTM whose two directions together are ``out_width`` wide.

    Args:
        width: features of the input rows.
        out_width: features of the output rows, even.
        cell: ``gru`` or ``lstm``.
        layers: stacked recurrent layers.
        dropout: between stacked layers.
    """

    def __init__(
        self, width: int, out_width: int, cell: Literal["gru", "lstm"] = "gru", layers: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if out_width % 2:
            raise UsageError(f"The width of a bidirectional encoder should be even. Found {out_width}.")
        kind = {"gru": nn.GRU, "lstm": nn.LSTM}[cell]
        self.cell = kind(
            width,
            out_width // 2,
            num_layers=layers,
            bidirectional=True,
            batch_first=True,
            dropout=dropout if layers > 1 else 0.0,
        )

    def forward(self, rows: Tensor, layout: Layout, visible: Tensor | None = None) -> Tensor:
        """(N, width) rows to (N, out_width).

        Rows that are not ``visible`` are skipped: the state passes over them unchanged and their own output is zero.
        """
        if visible is not None:
            return _scatter(self._run(rows[visible], _sublayout(layout, visible)), visible)
        return self._run(rows, layout)

    def _run(self, rows: Tensor, layout: Layout) -> Tensor:
        if not len(layout):
            return rows.new_zeros(0, 2 * self.cell.hidden_size)
        return map_blocks(self._one_block, layout, rows)

    def _one_block(self, block: Block, rows: Tensor) -> Tensor:
        lengths = block.valid.sum(1).cpu()
        if rows.is_cpu and torch.is_autocast_enabled("cpu"):
            rows = rows.float()  # not every processor has recurrences in bfloat16, and there PyTorch ends in an error
        with torch.autocast("cpu", enabled=False):
            packed = nn.utils.rnn.pack_padded_sequence(rows, lengths, batch_first=True)
            output, _ = self.cell(packed)
        return nn.utils.rnn.pad_packed_sequence(output, batch_first=True, total_length=rows.shape[1])[0]


def _sublayout(layout: Layout, visible: Tensor) -> Layout:
    parts = visible.cpu().split(list(layout.lengths))
    return Layout([int(part.sum()) for part in parts], device=layout.device)


def _scatter(rows: Tensor, visible: Tensor) -> Tensor:
    return rows.new_zeros(len(visible), rows.shape[1]).index_put((torch.nonzero(visible)[:, 0],), rows)
