"""Whose voice each channel of a recording holds, and in which channel each utterance is heard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crossspace.errors import DataError
from crossspace.features.media.tracks import Media
from crossspace.features.sources.recording import EACH_SPEAKER, Channels, channels_of
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

MOST = 32
"""Channels with a speaker each: every one of them is heard by itself."""


def channel_speakers(media: Media, wanted: Channels) -> tuple[str, ...]:
    """The name of the speaker of each channel.

    Raises:
        UsageError: a name is empty or stands twice.
        DataError: the recording has one channel, or another number than there are names.
    """
    wanted = channels_of(wanted)
    count = 0 if media.audio is None else media.audio.channels
    if not 2 <= count <= MOST:
        found = "no sound" if media.audio is None else "one channel" if count == 1 else f"{count} channels"
        raise DataError(
            f"{media.path} should have a channel for each speaker (channels), two to {MOST}. Found {found}. Leave "
            "the channels out."
        )
    if wanted == EACH_SPEAKER:
        return tuple(f"channel {number}" for number in range(1, count + 1))
    if len(wanted) != count:
        raise DataError(
            f"{media.path} should have as many channels as speakers are named: {len(wanted)} ({listed(list(wanted))}). "
            f"Found {count} channels. Name the speaker of each, or give 'speakers'."
        )
    return tuple(wanted)


def by_channel(transcript: Transcript, media: Media, names: Sequence[str]) -> tuple[Transcript, dict[int, int]]:
    """The transcript, with speakers where it did not know them, and the channel in which each utterance is heard.

    It is the channel of the speaker where the transcript names one of ``names``, in upper or lower case, and else the
    one that is louder meanwhile. An utterance without times, or in which nothing sounds, is heard in none.

    Args:
        transcript: whose utterances lie in the recording.
        media: the recording, with several channels.
        names: of the speaker of each channel.
    """
    from crossspace.features.voice.levels import channel_levels, louder_channels

    known = {name.casefold(): channel for channel, name in enumerate(names)}
    channels = [known.get(cue.speaker.casefold()) for cue in transcript.cues]
    spans = {
        i: (cue.start, cue.end)
        for i, (cue, channel) in enumerate(zip(transcript.cues, channels, strict=True))
        if channel is None and cue.start is not None and cue.end is not None and cue.start < cue.end
    }
    if spans:
        louder = louder_channels(channel_levels(media, list(spans.values())))
        for i, channel in zip(spans, louder, strict=True):
            channels[i] = channel
    cues = tuple(_named(cue, names, channel) for cue, channel in zip(transcript.cues, channels, strict=True))
    notes = (*transcript.notes, *_said(transcript.cues, names, [channels[i] for i in spans]))
    return replace(transcript, cues=cues, notes=notes), {i: c for i, c in enumerate(channels) if c is not None}


def _named(cue: Cue, names: Sequence[str], channel: int | None) -> Cue:
    return cue if channel is None or cue.speaker != UNKNOWN_SPEAKER else replace(cue, speaker=names[channel])


def _said(cues: Sequence[Cue], names: Sequence[str], louder: Sequence[int | None]) -> list[str]:
    """How many utterances are heard where it is louder, and which speakers are none of ``names``."""
    if not louder:
        return []
    counts = ", ".join(f"{sum(c == channel for c in louder)} of {name}" for channel, name in enumerate(names))
    said = f"{len(louder)} utterances are heard in the channel that is louder meanwhile: {counts}"
    known = {UNKNOWN_SPEAKER, *(name.casefold() for name in names)}
    others = sorted({cue.speaker for cue in cues if cue.speaker.casefold() not in known})
    return [f"{said}." + (f" Speakers without a channel of their name: {listed(others)}." if others else "")]
