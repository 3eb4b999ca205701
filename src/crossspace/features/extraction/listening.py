"""Which track and which channels of a recording are heard: decided once, from excerpts, and told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.keys import feature_key, media_digest
from crossspace.features.media.excerpts import excerpts
from crossspace.features.media.mixing import Mixing
from crossspace.features.media.probe import open_media
from crossspace.features.media.tracks import AudioTrack, Media

_MIXED = -1.0
"""Stands for "all channels" where a choice is kept."""


def opened_to_hear(path: Path, track: int | None, cache: FeatureCache | None, apart: bool = False) -> tuple[Media, str]:
    """A recording with the track and the channel that are heard, and the digest of its file.

    Of several audio tracks it is the one with speech, unless one is asked for. Where mixing the channels would lose
    their sound it is the louder one. The notes of the recording say what was decided.

    Args:
        path: of the file.
        track: the audio track to hear, from 1.
        cache: where decisions are kept; nowhere if there is none.
        apart: whether the channels are heard apart, and nobody mixes them.

    Raises:
        DataError, MissingExtraError: as :func:`~crossspace.features.media.probe.open_media`.
    """
    media, digest = open_media(path, track), media_digest(path)
    audio = media.audio
    if audio is None:
        return media, digest
    tracks = (media.sounds or (audio,)) if track is None else (audio,)
    if len(tracks) == 1 and (apart or audio.channels == 1):
        return media, digest
    key = feature_key({"name": "choice of sound 1"}, digest, *(str(one.index) for one in tracks))
    stored = cache.get(key) if cache is not None else None
    if not isinstance(stored, np.ndarray) or len(stored) != 4:
        stored = _judged(media, tracks)
        if cache is not None:
            cache.put(key, stored)
    index, speaks, channel, decibels = stored.tolist()
    chosen = next((one for one in tracks if one.index == index), audio)
    chosen = replace(chosen, channel=None if channel == _MIXED else int(channel))
    notes = [*media.notes]
    if len(tracks) > 1:
        notes.append(_said_of_tracks(media, chosen, bool(speaks)))
    if apart:
        chosen = replace(chosen, channel=None)
    if chosen.channel is not None:
        notes.append(
            f"{media.path.name}: its {chosen.channels} channels cancel each other when they are mixed, which is "
            f"{decibels:.0f} dB quieter; channel {chosen.channel + 1} alone is heard."
        )
    return replace(media, audio=chosen, notes=tuple(notes)), digest


def _judged(media: Media, tracks: tuple[AudioTrack, ...]) -> np.ndarray:
    """The index of a stream, whether anybody speaks in it, its channel, and by how many decibels mixing harms it."""
    assert media.audio is not None
    mixings = {track.index: Mixing() for track in tracks}

    def heard() -> Iterator[tuple[int, np.ndarray]]:
        for index, samples in excerpts(media, tracks):
            mixings[index].hear(samples)
            yield index, samples

    chosen, speaks = media.audio, True
    if len(tracks) > 1:
        from crossspace.features.voice.tracks import speech_by_track, track_with_speech

        found = track_with_speech(tracks, speech_by_track(heard()))
        chosen, speaks = found or chosen, found is not None
    else:
        for _ in heard():  # of a single track nothing but its channels is of interest
            pass
    mixing = mixings[chosen.index]
    channel = mixing.alone()
    decibels = 0.0 if channel is None else mixing.decibels()
    return np.array([chosen.index, speaks, _MIXED if channel is None else channel, decibels], dtype=np.float32)


def _said_of_tracks(media: Media, chosen: AudioTrack, speaks: bool) -> str:
    others = "; ".join(str(one) for one in media.sounds if one.index != chosen.index)
    why = "in which most is said" if speaks else "as players take it, since nobody was heard to speak in any"
    return (
        f"{media.path.name} has {len(media.sounds)} audio tracks. Track {chosen} is heard, {why}; --track N takes "
        f"another: {others}."
    )
