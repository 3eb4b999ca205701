"""bc-LSTM: a bidirectional LSTM over the concatenated features of the utterances (after Poria et al., ACL 2017)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.bounds import check_counts, check_shares
from crossspace.data.task import TaskSpec
from crossspace.models.base import Model
from crossspace.nn.encoders.lstm import LSTMEncoder
from crossspace.nn.standardise import Standardise
from crossspace.output import Output


class BcLSTM(Model):
    """Contextual LSTM over all modalities at once: the plain baseline that everything else has to beat.

    Standardised features are concatenated and read by a bidirectional LSTM; a linear map classifies every state. A
    missing modality is replaced by a learned vector.

    Args:
        task: labels, modalities and speakers (which it does not use).
        width: states of both directions together.
        layers: stacked LSTM layers.
        dropout: on the states.
        input_dropout: on the concatenated features.
        standardise: scale features by mean and deviation of the training split.
        causal: read forwards only, as a stream needs it; the one direction then has all of ``width``.

    Note:
        The paper trains one LSTM per modality and a second one over their outputs; this is its simpler form, a single
        LSTM over the concatenation.
    """

    name = "bc-lstm"
    citation = "Poria et al., Context-Dependent Sentiment Analysis in User-Generated Videos, ACL 2017"

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 128,
        layers: int = 1,
        dropout: float = 0.5,
        input_dropout: float = 0.0,
        standardise: bool = True,
        causal: bool = False,
    ) -> None:
        super().__init__(task)
        check_counts(layers=layers)
        check_counts(most=None, width=width)
        check_shares(dropout=dropout, input_dropout=input_dropout)
        self.causal = causal
        self.standardise = Standardise(task.widths) if standardise else None
        self.absent = nn.ParameterDict({m: nn.Parameter(torch.zeros(d)) for m, d in task.widths.items()})
        self.input_dropout = nn.Dropout(input_dropout)
        self.encoder = LSTMEncoder(sum(task.widths.values()), width, layers=layers, dropout=dropout, causal=causal)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(width, len(task.labels))

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """The LSTM's state for every utterance, under the single key ``context``."""
        columns = []
        for m in self.task.modalities:
            rows = self.scaled(batch, m)
            present = batch.presence(m)
            columns.append(rows if present is None else torch.where(present.unsqueeze(1), rows, self.absent[m]))
        return {"context": self.encoder(self.input_dropout(torch.cat(columns, dim=1)), batch.layout)}

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of every utterance."""
        return Output(self.classifier(self.dropout(representation["context"])), {}, representation)
