"""What is heard and seen while each utterance lasts: the material of extractors, and what its vectors are known by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from crossspace.errors import DataError
from crossspace.features.extractors.base import Missing

if TYPE_CHECKING:
    from crossspace.features.media.tracks import Media

Span = tuple[float, float]
"""Start and end of an utterance in seconds."""

_AT_ONCE, _SPARE = 10, 60.0
"""People who may speak at the same time all through a recording, and seconds that are granted besides."""
_FACES = "faces 2"
"""Part of keys: another way of reading pictures or of finding faces makes another feature."""


def check_spans(spans: Iterable[Span], media: Media) -> None:
    """Refuse what would be heard and seen again and again: work is in proportion to the recording.

    Raises:
        DataError: the utterances together last far longer than the recording.
    """
    whole = sum(min(end, media.duration) - start for start, end in spans if start < media.duration)
    if whole > _AT_ONCE * media.duration + _SPARE:
        raise DataError(
            f"The utterances of {media.path} should follow each other, with up to {_AT_ONCE} people speaking at once. "
            f"Found utterances of {whole:.0f} seconds together in a recording of {media.duration:.1f}. Check the times."
        )


def span_material(modality: str, digest: str, span: Span) -> tuple[str | float, ...]:
    """What decides the vector of a span: the digest of file or sound, the times, and how faces are found."""
    # How sound is read is part of the identity of the extractors of audio already.
    return (digest, *span) if modality == "audio" else (_FACES, digest, *span)


def read_spans(
    modality: str, media: Media, spans: Mapping[int, Span], notes: list[str], channels: Mapping[int, int] | None = None
) -> Iterator[tuple[int, object]]:
    """``(index, material)`` of every span, each once, or why there is none.

    Args:
        modality: ``audio`` or ``visual``.
        media: the recording.
        spans: by index.
        notes: takes what was damaged.
        channels: the channel in which each is heard, where each has one of its own.
    """
    return _hear(media, spans, notes, channels) if modality == "audio" else _see(media, spans, notes)


def _hear(
    media: Media, spans: Mapping[int, Span], notes: list[str], channels: Mapping[int, int] | None
) -> Iterator[tuple[int, object]]:
    from crossspace.features.media.audio import read_audio

    indices = list(spans)
    own = None if channels is None else [channels[i] for i in indices]
    for place, samples in read_audio(media, list(spans.values()), notes=notes, channels=own):
        silent = samples is None or not len(samples)
        yield indices[place], Missing("no sound at that time") if silent else samples


def _see(media: Media, spans: Mapping[int, Span], notes: list[str]) -> Iterator[tuple[int, object]]:
    from crossspace.features.media.video import read_frames
    from crossspace.features.pictures import FaceFollower

    indices, follower = list(spans), FaceFollower()
    for place, frames in read_frames(media, list(spans.values()), notes=notes):
        track = follower.follow((frame.time, frame.image) for frame in frames)
        # Without a crop the extractor says that there was no face; without a picture nobody could have seen one.
        yield indices[place], track.crops if frames else Missing("no picture at that time")
