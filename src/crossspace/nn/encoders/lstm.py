"""An LSTM over the utterances of each conversation."""

from __future__ import annotations

from torch import nn

from crossspace.nn.encoders.recurrent import RecurrentEncoder


class LSTMEncoder(RecurrentEncoder):
    """An LSTM that reads a conversation in both directions, or forwards alone where it is causal.

    Args:
        width: features of the input rows.
        out_width: features of the output rows, as many as of the input rows if none; even, unless ``causal``.
        layers: stacked recurrent layers.
        dropout: between stacked layers.
        causal: read forwards only.
    """

    name = "lstm"
    citation = "Hochreiter and Schmidhuber, Long Short-Term Memory, Neural Computation 1997"
    kind = nn.LSTM
