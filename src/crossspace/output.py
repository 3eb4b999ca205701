"""What a model says about a batch: the meeting point of models and objectives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Output:
    """What a model says about N utterances.

    Attributes:
        logits: (N, C) of the fused prediction.
        unimodal: ``{modality: (N, C)}`` logits of each modality alone, for models that have such heads.
        representation: ``{modality: (N, d)}``, the last point that all objectives share.
        extras: further tensors by name that objectives read, of any number of rows: per pair, per layer, per
            conversation.
    """

    logits: Tensor
    unimodal: Mapping[str, Tensor] = field(default_factory=dict)
    representation: Mapping[str, Tensor] = field(default_factory=dict)
    extras: Mapping[str, Tensor] = field(default_factory=dict)
