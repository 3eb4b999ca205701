"""CFN-ESA (Li et al., IEEE TAFFC 2024): text at the centre of cross-modal attention, aware of emotional shifts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from crossspace.batching.batch import Batch
from crossspace.batching.layout import Layout
from crossspace.bounds import check_counts, check_shares, check_weights
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.base import Model
from crossspace.models.cfn_esa.layers import CrossLayer, Presence, RecurrentLayer, Rows
from crossspace.models.leading import leading_modality
from crossspace.nn.copies import copies
from crossspace.nn.dropout import Dropout
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.pair_head import PairHead
from crossspace.nn.standardise import Standardise
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.focal import ReleasedFocalLoss
from crossspace.objectives.shift import Shift
from crossspace.output import Output

_LONG = 1024
"""With a longer conversation what is inside a layer of attention is computed again for the gradient: of every utterance
it is half a million numbers, over both passes."""


class CFNESA(Model):
    """Recurrence in each modality, attention around the text, and the question whether an emotion has shifted.

    One recurrent encoder serves all modalities; layers of attention follow, in which text and the others look at each
    other. What they hold is mapped to one row per utterance, from which the classes follow. In training this is done
    a second time with dropout of its own; of every two utterances of a conversation, one from either pass, a small
    network says whether their emotions differ. Two objectives, summed: the emotion and, with its weight, the shift.
    Train it with the balancer ``fixed``.

    Args:
        task: labels, modalities and speakers; who speaks is not used.
        width: D of all rows.
        heads: attention heads, a divisor of ``width``.
        recurrent_layers: of the encoder that all modalities share.
        layers: of attention within and across modalities.
        recurrent_dropout: inside the recurrent encoder.
        dropout: inside the attention layers, and on the row that is classified.
        shift_width: of the hidden layer that compares two utterances.
        shift_dropout: on that layer.
        shift_weight: of the shift among the objectives; 0 leaves it and the second pass out.
        shift_rate: q, the share of pairs whose emotions differ; these weigh ``1 / 2q``, the others ``1 / 2(1 - q)``.
        leading: the modality at the centre; ``text``, or the first of a task without text, when not named.
        loss: of the emotion; ``released-focal`` is what the released code computes on MELD.
        standardise: scale features by mean and deviation of the training split; the released code does not.

    Note:
        Mended: the mask of the released code is added to the scores, where it favours real utterances by one and hides
        no padding, and its recurrence runs through padding; here there is none. The layers of either encoder begin as
        copies of one. Of several vectors of a modality all are read by one linear map, as the released code does with
        ``concat4``; its usual choice is the first alone. A missing modality is passed over by the recurrence, is
        nobody's key, and is left out of the map to one row. Who looks at a modality that nobody in the conversation has
        finds nothing but the bias of the map behind the attention.

        Its many wide layers keep about 2 MB for every utterance in training, at the released sizes: a conversation of
        2,000 utterances takes 5 GB, the most of all models here.
    """

    name = "cfn-esa"
    citation = (
        "Li et al., CFN-ESA: A Cross-Modal Fusion Network With Emotion-Shift Awareness for Dialogue Emotion "
        "Recognition, IEEE Transactions on Affective Computing 15(4), 2024, doi:10.1109/TAFFC.2024.3389453"
    )

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 512,
        heads: int = 8,
        recurrent_layers: int = 2,
        layers: int = 5,
        recurrent_dropout: float = 0.2,
        dropout: float = 0.4,
        shift_width: int = 128,
        shift_dropout: float = 0.05,
        shift_weight: float = 1.0,
        shift_rate: float = 0.4364,
        leading: str | None = None,
        loss: Literal["cross-entropy", "released-focal"] = "cross-entropy",
        standardise: bool = False,
    ) -> None:
        super().__init__(task)
        check_counts(0, recurrent_layers=recurrent_layers, layers=layers)
        check_counts(most=None, width=width, shift_width=shift_width)
        check_shares(recurrent_dropout=recurrent_dropout, dropout=dropout, shift_dropout=shift_dropout)
        check_weights(shift_weight=shift_weight)
        if loss not in ("cross-entropy", "released-focal"):
            raise UsageError(f"`loss` should be 'cross-entropy' or 'released-focal'. Found {loss!r}.")
        if not 0 < shift_rate < 1:
            raise UsageError(f"`shift_rate` should lie between 0 and 1. Found {shift_rate}.")
        first = leading_modality(task, leading)
        others = [m for m in task.modalities if m != first]
        self.loss, self.shift_weight, self.shift_rate = loss, shift_weight, shift_rate
        self.standardise = Standardise(task.widths) if standardise else None
        self.projection = nn.ModuleDict({m: Linear(task.widths[m], width) for m in (first, *others)})
        self.recurrent = copies(RecurrentLayer(width, recurrent_dropout), recurrent_layers)
        self.crossing = copies(CrossLayer(width, heads, dropout, first, others), layers)
        self.joined = Linear((1 + len(others)) * width, width)
        self.dropout = Dropout(dropout)
        self.shift = PairHead(width, shift_width, shift_dropout) if shift_weight else None
        self.classifier = nn.Linear(width, len(task.labels))

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """(N, D) under ``context`` and, in training, those of the second pass under ``view``."""
        present, layout = {m: batch.presence(m) for m in self.projection}, batch.layout
        read = {}
        for m, projection in self.projection.items():
            x = self.scaled(batch, m)
            rows = projection(only(x, present[m]))
            for layer in self.recurrent:
                rows = layer(rows, layout, present[m])
            read[m] = rows
        rows = {"context": self._crossed(read, layout, present)}
        if self.shift is not None and self.training:
            rows["view"] = self._crossed(read, layout, present)
        return rows

    def _crossed(self, rows: Rows, layout: Layout, present: Presence) -> Tensor:
        for layer in self.crossing:
            if torch.is_grad_enabled() and layout.longest > _LONG:
                rows = checkpoint(layer, rows, layout, present, use_reentrant=False)
            else:
                rows = layer(rows, layout, present)
        parts = [only(x, present[m]) for m, x in rows.items()]
        return self.dropout(torch.relu(self.joined(torch.cat(parts, dim=1))))

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of every utterance and, under ``shift``, of every two of a conversation."""
        rows = representation["context"]
        extras = {}
        # Nobody asks for shifts but the objective, which reads labels; a prediction has none.
        if self.shift is not None and (self.training or torch.is_grad_enabled()):
            extras["shift"] = self.shift(rows, representation.get("view", rows), batch.layout.pairs())
        return Output(self.classifier(rows), {}, {"context": rows}, extras)

    def objectives(self) -> list[Objective]:
        """The emotion and the shift."""
        emotion: Objective = CrossEntropy() if self.loss == "cross-entropy" else ReleasedFocalLoss(2.5)
        if self.shift is None:
            return [emotion]
        weights = (0.5 / (1 - self.shift_rate), 0.5 / self.shift_rate)
        return [emotion, Shift("shift", weights=weights, weight=self.shift_weight)]

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything below the classifier and the network over pairs."""
        return self.parameters_but(self.classifier, self.shift)

    def numbers_per_pair(self) -> float:
        """Logits, their logarithms, and the places of the two; the hidden layer is computed again in slices."""
        return 0.0 if self.shift is None else 10.0
