"""Utterances of several conversations as arrays, one row after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Columns:
    """N utterances of B conversations, one conversation after the other.

    Attributes:
        features: ``{modality: (N, D)}`` float32, zeros where the modality is missing.
        present: ``{modality: (N,)}`` bool.
        lengths: (B,) int64 utterances of each conversation.
        speakers: (N,) int64 index of the speaker.
        labels: (N,) int64 index of the label, -100 where unlabelled.
        sentiments: (N,) int64 index of the sentiment, stated or implied by the label, -100 where there is none.
        conversation_ids: (B,).
    """

    features: Mapping[str, np.ndarray]
    present: Mapping[str, np.ndarray]
    lengths: np.ndarray
    speakers: np.ndarray
    labels: np.ndarray
    sentiments: np.ndarray
    conversation_ids: tuple[str, ...]
