"""A GRU over the utterances of each conversation."""

from __future__ import annotations

from torch import nn

from crossspace.nn.encoders.recurrent import RecurrentEncoder


class GRUEncoder(RecurrentEncoder):
    """A GRU that reads a conversation in both directions, or forwards alone where it is causal.

    Args:
        width: features of the input rows.
        out_width: features of the output rows, as many as of the input rows if none; even, unless ``causal``.
        layers: stacked recurrent layers.
        dropout: between stacked layers.
        causal: read forwards only.
    """

    name = "gru"
    citation = "Cho et al., Learning Phrase Representations using RNN Encoder-Decoder, EMNLP 2014"
    kind = nn.GRU
