"""Ada2I (Nguyen et al., ACM MM 2024): the features and the modalities of a conversation are kept in balance."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from crossspace.batching.batch import Batch
from crossspace.bounds import check_counts, check_shares, check_weights
from crossspace.data.task import TaskSpec
from crossspace.errors import UsageError
from crossspace.models.ada2i.weighting import MAPPING, FeatureWeighting, MappingLoss
from crossspace.models.base import Model
from crossspace.nn.copies import copies
from crossspace.nn.dropout import Dropout
from crossspace.nn.linear import Linear
from crossspace.nn.missing import only
from crossspace.nn.post_norm import PostNormLayer
from crossspace.nn.standardise import Standardise
from crossspace.objectives.base import Objective
from crossspace.objectives.classification import CrossEntropy
from crossspace.objectives.modulation import DominantModality
from crossspace.output import Output

_FEWEST_HEADS, _MOST_HEADS = 5, 14


class Ada2I(Model):
    """A Transformer per modality, features weighted by the other modalities, modalities weighted by directions.

    Adaptive feature weighting (:class:`FeatureWeighting`) follows the encoders, in layers. The logits are the sum over
    the modalities of products of rows of length one with normalised class weights. In training the gradients of the
    encoders that are ahead are made smaller and noisy
    (:class:`~crossspace.objectives.modulation.DominantModality`). Two objectives, summed: cross-entropy and
    what the mapping networks miss by. Train it with the balancer ``fixed``.

    Args:
        task: labels, modalities and speakers; who speaks is not used.
        width: H behind the encoders.
        layers: of every encoder.
        feed_forward: width inside an encoder's layer, which itself is as wide as the features.
        dropout: inside the encoders and after every layer of weighting.
        rank: R of the matrices.
        weighting_layers: of feature weighting.
        beta: share of the rows that passes the weighting unchanged.
        cosine: what the class weights are divided by: ``over-classes``, the length over the classes of every unit (the
            released code), ``over-units``, the length of every class's weights, which makes a cosine; ``none`` is a
            plain linear map.
        modulation_strength: alpha of the modulation; 0 is none.
        modulation_start: the first epoch, counted from 0, in which gradients are modulated.
        modulation_noise: also add noise to the gradients of all encoders.
        standardise: scale features by mean and deviation of the training split; the released code does not.

    Note:
        Mended: padding takes part in the attention, the means and the loss of the released code, so that a prediction
        there depends on who shares the batch; here there is none. An encoder has as many heads as the first of 5 to 14
        that divides its width, or one. There is neither position nor speaker: a conversation is a set of utterances. A
        missing modality is nobody's key, has no part in the means, in the logits and in either loss. The paper
        describes the mapping networks as approximating the factors; in the released code, and here, they approximate
        the weighted rows. The widths of its own features (512, 768, 1024) are not those of the paper of CSS.
    """

    name = "ada2i"
    citation = (
        "Nguyen et al., Ada2I: Enhancing Modality Balance for Multimodal Conversational Emotion Recognition, "
        "ACM Multimedia 2024, arXiv:2408.12895"
    )

    def __init__(
        self,
        task: TaskSpec,
        *,
        width: int = 300,
        layers: int = 2,
        feed_forward: int = 2048,
        dropout: float = 0.5,
        rank: int = 11,
        weighting_layers: int = 2,
        beta: float = 0.012,
        cosine: Literal["over-classes", "over-units", "none"] = "over-classes",
        modulation_strength: float = 0.037,
        modulation_start: int = 3,
        modulation_noise: bool = True,
        standardise: bool = False,
    ) -> None:
        super().__init__(task)
        check_counts(0, layers=layers, weighting_layers=weighting_layers)
        check_counts(0, None, modulation_start=modulation_start)
        check_counts(most=None, width=width, feed_forward=feed_forward, rank=rank)
        check_shares(dropout=dropout)
        check_weights(beta=beta, modulation_strength=modulation_strength)
        if cosine not in ("over-classes", "over-units", "none"):
            raise UsageError(f"`cosine` should be 'over-classes', 'over-units' or 'none'. Found {cosine!r}.")
        self.width, self.cosine = width, cosine
        self.strength, self.start, self.noise = modulation_strength, modulation_start, modulation_noise
        # The released code multiplies matrices in the order of the letters a, t, v.
        names = sorted(task.modalities)
        self.standardise = Standardise(task.widths) if standardise else None
        widths = {m: task.widths[m] for m in names}
        self.encoder = nn.ModuleDict(
            {m: copies(PostNormLayer(d, _heads(d), feed_forward, dropout), layers) for m, d in widths.items()}
        )
        self.projection = nn.ModuleDict({m: Linear(d, width) for m, d in widths.items()})
        self.weighting = nn.ModuleList(FeatureWeighting(names, width, rank, beta) for _ in range(weighting_layers))
        self.dropout = Dropout(dropout)
        self.classifier = nn.Linear(len(names) * width, len(task.labels))

    def encode(self, batch: Batch) -> dict[str, Tensor]:
        """(N, H) of every modality, zero where it is missing, and (N, M) under ``mapping``."""
        layout, present = batch.layout, {m: batch.presence(m) for m in self.encoder}
        rows = {}
        for m in self.encoder:
            x = self.scaled(batch, m)
            x = only(x, present[m])
            for layer in self.encoder[m].children():
                x = layer(x, layout, present[m])
            rows[m] = only(self.projection[m](x), present[m])
        missed = torch.zeros(len(batch), len(rows), dtype=x.dtype, device=x.device)
        for weighting in self.weighting:
            rows, more = weighting(rows, present, layout)
            rows, missed = {m: self.dropout(x) for m, x in rows.items()}, missed + more
        return {**rows, MAPPING: missed}

    def decode(self, representation: Mapping[str, Tensor], batch: Batch) -> Output:
        """Logits of all and of every modality; where one is missing it says nothing."""
        weights = dict(zip(self.encoder, self.classifier.weight.split(self.width, dim=1), strict=True))
        logits = self.classifier.bias.expand(len(batch), -1)
        for m, own in weights.items():
            logits = logits + only(self._product(representation[m], own), batch.presence(m))
        share = self.classifier.bias / len(weights)
        unimodal = {m: F.linear(representation[m], own, share) for m, own in weights.items()}
        rows = {m: x for m, x in representation.items() if m != MAPPING}
        return Output(logits, unimodal, rows, {MAPPING: representation[MAPPING]})

    def _product(self, rows: Tensor, weights: Tensor) -> Tensor:
        """(N, C) of (N, H) rows and (C, H) weights."""
        if self.cosine == "none":
            return rows @ weights.T
        return F.normalize(rows, dim=1) @ F.normalize(weights, dim=0 if self.cosine == "over-classes" else 1).T

    def objectives(self) -> list[Objective]:
        """Cross-entropy, and what the mapping networks miss by."""
        return [CrossEntropy(), MappingLoss(self.width)]

    def modulation(self) -> DominantModality | None:
        """Smaller and noisy gradients for the encoders of modalities that are ahead."""
        if not self.strength:
            return None
        groups = {m: f"encoder {m}" for m in self.encoder}
        return DominantModality(groups, self.strength, self.start, self.noise)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """The encoder of every modality with its projection, the weighting, and the classifier."""
        groups = {
            f"encoder {m}": list(chain(self.encoder[m].parameters(), self.projection[m].parameters()))
            for m in self.encoder
        }
        return {
            **groups,
            "weighting": list(self.weighting.parameters()),
            "classifier": list(self.classifier.parameters()),
        }

    def shared_parameters(self) -> list[nn.Parameter]:
        """Everything but the classifier."""
        return self.parameters_but(self.classifier)


def _heads(width: int) -> int:
    return next((h for h in range(_FEWEST_HEADS, _MOST_HEADS + 1) if width % h == 0), 1)
