"""A second label, sentiment: as a corpus states it, or as its emotions imply it by a stated map."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

SENTIMENTS = ("negative", "neutral", "positive")
"""The sentiments of a corpus that states none, in index order (as in the released code of GraphSmile)."""

_EMOTIONS: Mapping[str, tuple[str, ...]] = {
    "negative": (
        *("sad", "sadness", "angry", "anger", "mad", "frustrated", "frustration", "fear", "fearful", "scared"),
        *("disgust", "disgusted", "contempt", "negative"),
    ),
    "neutral": ("neutral", "calm"),
    "positive": ("happy", "happiness", "joy", "joyful", "excited", "excitement", "peaceful", "powerful", "positive"),
}
BY_EMOTION: Mapping[str, str] = {emotion: s for s, emotions in _EMOTIONS.items() for emotion in emotions}
"""``{emotion: sentiment}`` for corpora without sentiments: GraphSmile's map of IEMOCAP, and the same idea for the names
of MELD, EmoryNLP and others. An emotion that is not here, such as surprise, which can be either, implies none."""


def implied(label: str) -> str | None:
    """The sentiment that an emotion implies, or ``None`` where it implies none."""
    return BY_EMOTION.get(label.strip().lower())


def implied_indices(labels: Sequence[str], sentiments: Sequence[str], unknown: int) -> list[int]:
    """For each label the index in ``sentiments`` of the one it implies, or ``unknown`` where there is no such one."""
    places = {sentiment: place for place, sentiment in enumerate(sentiments)}
    return [places.get(implied(label) or "", unknown) for label in labels]


def in_order(names: Iterable[str | None]) -> tuple[str, ...]:
    """The sentiments that occur, in index order: the usual one where all are usual, else that of the alphabet."""
    occurring = {name for name in names if name is not None}
    return SENTIMENTS if occurring <= set(SENTIMENTS) else tuple(sorted(occurring))
