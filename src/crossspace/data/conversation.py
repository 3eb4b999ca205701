"""A conversation as people have it: utterances in order, each with a speaker and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """What one person said in one go.

    Attributes:
        id: unique in the corpus.
        speaker: name of the speaker.
        text: transcript, where there is one.
        start, end: seconds from the beginning of the recording.
        label: name of the emotion, or ``None`` when it is not known.
        sentiment: name of the sentiment, where somebody has labelled it apart from the emotion.
        recognised: ``{"text": x, "speaker": x}``, from 0 to 1 how sure a recogniser is of what no person wrote.
        features: one float32 vector ``(D,)`` per modality; a modality that is not a key is *missing*.
        missing: ``{modality: reason}``, why an extractor found nothing, where that is known.
        encoders: ``{modality: name}`` of the fine-tuned encoder that made the features, where one did.
        seen: ``{modality: whether that encoder was trained on the labels of this conversation}``.
    """

    id: str
    speaker: str
    text: str | None = None
    start: float | None = None
    end: float | None = None
    label: str | None = None
    features: Mapping[str, np.ndarray] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)
    sentiment: str | None = None
    recognised: Mapping[str, float] = field(default_factory=dict)
    encoders: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Conversation:
    """Utterances of one dialogue in the order in which they were spoken."""

    id: str
    utterances: tuple[Utterance, ...]

    def __post_init__(self) -> None:
        # A list would stay in the caller's hands, who could change a frozen conversation through it.
        object.__setattr__(self, "utterances", tuple(self.utterances))

    def __len__(self) -> int:
        return len(self.utterances)

    def without_labels(self) -> Conversation:
        """The same without labels, on which no prediction may depend."""
        return Conversation(self.id, tuple(replace(u, label=None, sentiment=None) for u in self.utterances))
