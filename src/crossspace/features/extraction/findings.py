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
        times = (stored[0::2].astype(np.float64) + stored[1::2] / 1000).reshape(-1, 2).tolist()
        # Rounded as they were when they were found: the same times, bit for bit.
        return Transcript(tuple(Cue(None, start=round(start, 3), end=round(end, 3)) for start, end in times))
    speech = speech_transcript(media)
    cues = tuple(replace(c, start=round(c.start or 0.0, 3), end=round(c.end or 0.0, 3)) for c in speech.cues)
    # Those of a damaged recording are not kept, so that its damage is told every time.
    if cache is not None and cues and not speech.notes:
        # Seconds and milliseconds apart: float32 holds either exactly, and not 3601.234.
        thousandths = [divmod(round(1000 * time), 1000) for c in cues for time in (c.start or 0.0, c.end or 0.0)]
        cache.put(key, np.array(thousandths, dtype=np.float32).reshape(-1))
    return Transcript(cues, speech.notes)


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
