"""Which track and which channels of a recording are heard: decided once, from excerpts, and told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import numpy as np

from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.keys import feature_key, media_digest
from crossspace.features.media.excerpts import excerpts
from crossspace.features.media.mixing import Mixing
from crossspace.features.media.probe import open_media
from crossspace.features.media.tracks import AudioTrack, Media

_TO_KNOW_SPEECH, _TO_KNOW_CHANNELS = 3.0, 1.0
"""Seconds of each excerpt by which is judged in which track somebody speaks, or how channels mix."""


@dataclass(frozen=True)
class _Choice:
    """What is heard, in numbers that a cache keeps.

    Attributes:
        index: of the stream.
        speaks: whether anybody was heard to speak, where there are several.
        channel: the only one that is heard; -1 for all.
        decibels: by which mixing would make it quieter.
        gain: by what samples are multiplied.
    """

    index: float
    speaks: float = 1.0
    channel: float = -1.0
    decibels: float = 0.0
    gain: float = 1.0


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
    if media.audio is None:
        return media, digest
    tracks = (media.sounds or (media.audio,)) if track is None else (media.audio,)
    if len(tracks) == 1 and not media.audio.unbounded and (apart or media.audio.channels == 1):
        return media, digest
    choice = _cached_choice(media, tracks, digest, cache)
    chosen = next((one for one in tracks if one.index == choice.index), media.audio)
    channel = None if apart or choice.channel < 0 else int(choice.channel)
    chosen = replace(chosen, channel=channel, gain=choice.gain)
    notes = (*media.notes, *_said(media, chosen, choice, several=len(tracks) > 1))
    return replace(media, audio=chosen, notes=notes), digest


def _cached_choice(media: Media, tracks: tuple[AudioTrack, ...], digest: str, cache: FeatureCache | None) -> _Choice:
    key = feature_key({"name": "choice of sound 1"}, digest, *(str(one.index) for one in tracks))
    stored = cache.get(key) if cache is not None else None
    if isinstance(stored, np.ndarray) and len(stored) == len(fields(_Choice)):
        return _Choice(*stored.tolist())
    numbers = np.array(astuple(_judged(media, tracks)), dtype=np.float32)
    if cache is not None:
        cache.put(key, numbers)
    # As the cache gives it back: rounded to float32.
    return _Choice(*numbers.tolist())


def _judged(media: Media, tracks: tuple[AudioTrack, ...]) -> _Choice:
    assert media.audio is not None
    mixings = {track.index: Mixing() for track in tracks}

    def heard() -> Iterator[tuple[int, np.ndarray]]:
        for index, samples in excerpts(media, tracks, _TO_KNOW_SPEECH if len(tracks) > 1 else _TO_KNOW_CHANNELS):
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
    lost = 0.0 if channel is None else mixing.decibels()
    return _Choice(chosen.index, speaks, -1 if channel is None else channel, lost, mixing.gain())


def _said(media: Media, chosen: AudioTrack, choice: _Choice, several: bool) -> list[str]:
    name, notes = media.path.name, []
    if several:
        others = "; ".join(str(one) for one in media.sounds if one.index != chosen.index)
        spoken = "in which most is said" if choice.speaks else "as players take it, since nobody speaks in any"
        notes.append(
            f"{name} has {len(media.sounds)} audio tracks. Track {chosen} is heard, {spoken}; --track N takes another: "
            f"{others}."
        )
    if chosen.channel is not None:
        notes.append(
            f"{name}: its {chosen.channels} channels cancel each other when they are mixed, which is "
            f"{choice.decibels:.0f} dB quieter; channel {chosen.channel + 1} alone is heard."
        )
    if chosen.gain != 1:
        notes.append(
            f"{name}: its samples are numbers up to {1 / chosen.gain:.6g} instead of 1; they are heard on that scale."
        )
    return notes
