"""What was found out about a recording, kept beside its vectors so that it is told again without another look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.keys import feature_key
from crossspace.features.extractors.base import SOUND, Missing
from crossspace.features.media.tracks import Media
from crossspace.transcripts.transcript import Cue, Transcript


def cached_speech(media: Media, digest: str, cache: FeatureCache | None) -> Transcript:
    """The stretches of speech in a recording, with a note that they were found by their sound.

    Args:
        media: the recording.
        digest: of its content.
        cache: where they are kept; nowhere if there is none.

    Raises:
        DataError, MissingExtraError: as :func:`~crossspace.features.voice.speech.speech_transcript`.
    """
    from crossspace.features.voice.speech import note_by_sound

    stretches = cached_stretches(media, digest, cache)
    return replace(stretches, notes=(*stretches.notes, note_by_sound(len(stretches.cues))))


def cached_stretches(media: Media, digest: str, cache: FeatureCache | None) -> Transcript:
    """The same without that note, for who finds out more about them."""
    from crossspace.features.voice.speech import silero_version, speech_transcript

    # SOUND and the release are part of the key: either may move a boundary.
    key = feature_key({"name": "speech 1", "reading": SOUND, "version": silero_version()}, digest)
    stored = cache.get(key) if cache is not None else None
    if isinstance(stored, np.ndarray):
        rows = stored.reshape(-1, 4)
        return Transcript(tuple(Cue(None, start=_seconds(row[0:2]), end=_seconds(row[2:4])) for row in rows))
    speech = speech_transcript(media)
    cues = tuple(replace(c, start=round(c.start or 0.0, 3), end=round(c.end or 0.0, 3)) for c in speech.cues)
    # Those of a damaged recording are not kept, so that its damage is told every time.
    if cache is not None and cues and not speech.notes:
        thousandths = [_parts(time) for c in cues for time in (c.start or 0.0, c.end or 0.0)]
        cache.put(key, np.array(thousandths, dtype=np.float32).reshape(-1))
    return Transcript(cues, speech.notes)


def cached_speech_by_channel(media: Media, digest: str, names: Sequence[str], cache: FeatureCache | None) -> Transcript:
    """The stretches of speech in each channel of a recording, with the speaker of the channel.

    Args:
        media: the recording.
        digest: of its sound, of whatever channel.
        names: of the speaker of each channel.
        cache: where they are kept; nowhere if there is none.

    Raises:
        DataError, MissingExtraError: as :func:`~crossspace.features.voice.channels.speech_by_channel`.
    """
    from crossspace.features.voice.speech import silero_version

    rows, notes = cached_stretches_by_channel(media, digest, cache)
    counts = ", ".join(f"{sum(c == channel for *_, c in rows)} of {name}" for channel, name in enumerate(names))
    note = (
        f"There was no transcript: {len(rows)} utterances were found by their sound (silero-vad {silero_version()}), "
        f"each in its channel: {counts}; what is said is not known."
    )
    return Transcript(tuple(Cue(None, names[c], start=start, end=end) for start, end, c in rows), (*notes, note))


def cached_stretches_by_channel(
    media: Media, digest: str, cache: FeatureCache | None
) -> tuple[list[tuple[float, float, int]], list[str]]:
    """``(start, end, channel)`` of the same, and notes on damage."""
    from crossspace.features.voice.channels import speech_by_channel
    from crossspace.features.voice.speech import silero_version

    identity = {"name": "speech by channel 1", "reading": SOUND, "version": silero_version()}
    key = feature_key(identity, digest)
    stored = cache.get(key) if cache is not None else None
    notes: list[str] = []
    if isinstance(stored, np.ndarray):
        return [(_seconds(row[0:2]), _seconds(row[2:4]), int(row[4])) for row in stored.reshape(-1, 5)], notes
    rows = [(round(start, 3), round(end, 3), channel) for start, end, channel in speech_by_channel(media, notes)]
    if cache is not None and not notes:
        cells = [(*_parts(start), *_parts(end), channel) for start, end, channel in rows]
        cache.put(key, np.array(cells, dtype=np.float32).reshape(-1))
    return rows, notes


def _parts(time: float) -> tuple[int, int]:
    """Seconds and milliseconds apart: float32 holds either exactly, and not 3601.234."""
    return divmod(round(1000 * time), 1000)


def _seconds(parts: np.ndarray) -> float:
    # Rounded as it was when it was found: the same time, bit for bit.
    return round(float(parts[0]) + float(parts[1]) / 1000, 3)


def damage(
    notes: Sequence[str], modality: str, media: Media, digest: str, cache: FeatureCache | None
) -> tuple[str, ...]:
    """Notes on the damage of a track: those just found or, where its vectors were known already, those found then.

    They are kept without the name of the file, which may be another one the next time.
    """
    if cache is None:
        return tuple(notes)
    key, name = feature_key({"name": "damage 1"}, modality, digest), f"{media.path.name}: "
    if notes:
        cache.put(key, Missing("\n".join(note.removeprefix(name) for note in notes)))
        return tuple(notes)
    stored = cache.get(key)
    return tuple(name + note for note in stored.reason.split("\n")) if isinstance(stored, Missing) else ()
