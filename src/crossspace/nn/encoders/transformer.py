"""The Transformer encoder that models context within one modality (paper, equation 2)."""

from __future__ import annotations

from torch import Tensor, nn

from crossspace.batching.layout import Layout
from crossspace.bounds import check_counts
from crossspace.nn.encoders.base import Encoder
from crossspace.nn.transformer import TransformerLayer


class TransformerEncoder(Encoder):
    """A stack of Transformer layers.

    Args:
        width: d of the rows and of the feed-forward network.
        heads: attention heads.
        layers: stacked layers.
        dropout: on attention weights, on the results of both halves of a layer, and inside the feed-forward network.
        first_norm: also normalise before the attention of the first layer. The released code of CSS does not.
    """

    name = "transformer"
    citation = "Vaswani et al., Attention Is All You Need, NeurIPS 2017"
    fillable = True

    def __init__(self, width: int, heads: int, layers: int = 1, dropout: float = 0.0, first_norm: bool = False) -> None:
        super().__init__()
        check_counts(layers=layers)
        self.layers = nn.ModuleList(
            TransformerLayer(width, heads, dropout, attention_norm=first_norm or index > 0) for index in range(layers)
        )

    def forward(self, rows: Tensor, layout: Layout, visible: Tensor | None = None) -> Tensor:
        """(N, d) rows to (N, d); rows that are not ``visible`` influence no other row."""
        for layer in self.layers:
            rows = layer(rows, layout, visible)
        return rows
