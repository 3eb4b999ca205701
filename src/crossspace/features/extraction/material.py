"""What there is of a conversation before anything is extracted: what was said when, and the recording of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from crossspace.errors import DataError
from crossspace.features.extraction.cache import FeatureCache
from crossspace.features.extraction.channels import by_channel, channel_speakers
from crossspace.features.extraction.findings import (
    cached_speech,
    cached_speech_by_channel,
    cached_stretches_by_channel,
)
from crossspace.features.extraction.sound_digest import sound_digest
from crossspace.features.extraction.utterances import labelled
from crossspace.features.sources.recording import Recording
from crossspace.transcripts import read_transcript, within
from crossspace.transcripts.transcript import Transcript

if TYPE_CHECKING:
    from crossspace.features.media.tracks import Media
    from crossspace.features.speech.transcribe import Transcription


@dataclass(frozen=True)
class Material:
    """One conversation.

    Attributes:
        transcript: its utterances.
        media: the recording, if there is one.
        digest: of the file of the recording.
        channels: ``{utterance: channel}``, from 0, where each speaker has a channel; an utterance that is not there is
            heard in none.
        heard: which track or channels of the recording, in words, where not all of its only sound.
    """

    transcript: Transcript
    media: Media | None = None
    digest: str = ""
    channels: Mapping[int, int] | None = None
    heard: str = ""

    def digest_of(self, modality: str, utterance: int | None = None) -> str:
        """What decides, beside the times, what is heard or seen: of one utterance, or of the track."""
        if modality != "audio" or self.media is None:
            return self.digest
        apart = self.channels is not None and utterance is not None
        return sound_digest(self.media, self.digest, self.channels[utterance] if apart else None)  # type: ignore[index]


def material_of(
    recording: Recording,
    cache: FeatureCache | None,
    notes: list[str],
    said: Callable[[str], None],
    transcription: Transcription | None = None,
) -> Material:
    """Everything of a recording but its features.

    Args:
        recording: what there is.
        cache: where speech that is found is kept; nowhere if there is none.
        notes: takes sentences on what was mended, decided or left out.
        said: told when ``speech`` is looked for, and how many of its words are found.
        transcription: makes the transcript where there is none; only where somebody speaks is found without it.

    Raises:
        DataError: the recording or the transcript cannot be read, or holds no utterance.
    """
    _check_choice(recording)
    media, digest = _opened(recording, cache)
    names = channel_speakers(media, recording.channels) if media is not None and recording.channels else ()
    notes += media.notes if media is not None else ()
    # Files of stores have been copied: see nearby.
    transcript = cast("Transcript | Path | None", recording.transcript)
    if isinstance(transcript, Path):
        transcript = read_transcript(transcript, length=None if media is None else lambda: media.duration)
    if transcript is None:
        if media is None:
            raise DataError(f"Conversation {recording.id!r} has neither a transcript nor a recording.")
        transcript = _found(media, digest, names, cache, said, transcription)
    if recording.labels is not None:
        transcript = labelled(transcript, recording)
    # After the labels, which count the entries of the file, those beyond the recording included.
    if media is not None:
        transcript = within(transcript, media.duration)
    channels: dict[int, int] | None = None
    if media is not None and names:
        transcript, channels = by_channel(transcript, media, names)
    notes += transcript.notes
    if not transcript.cues:
        raise DataError(f"Conversation {recording.id!r} has no utterance. " + " ".join(notes))
    return Material(transcript, media, digest, channels, "" if media is None else _heard(media, names))


def _found(
    media: Media,
    digest: str,
    names: tuple[str, ...],
    cache: FeatureCache | None,
    said: Callable[[str], None],
    transcription: Transcription | None,
) -> Transcript:
    """The transcript of a recording that comes with none."""
    try:
        return _heard_in(media, digest, names, cache, said, transcription)
    except DataError as error:
        # What was decided about the sound may be why nobody is heard.
        raise DataError(" ".join([str(error), *media.notes])) from error


def _heard_in(
    media: Media,
    digest: str,
    names: tuple[str, ...],
    cache: FeatureCache | None,
    said: Callable[[str], None],
    transcription: Transcription | None,
) -> Transcript:
    sound = sound_digest(media, digest)
    if transcription is not None and names:
        digests = [sound_digest(media, digest, channel) for channel in range(len(names))]
        said("speech")
        stretches = cached_stretches_by_channel(media, sound, cache)
        return transcription.by_channel(media, names, digests, stretches, cache, said)
    if transcription is not None:
        return transcription.transcript(media, sound, cache, said)
    said("speech")
    if names:
        return cached_speech_by_channel(media, sound, names, cache)
    return cached_speech(media, sound, cache)


def _check_choice(recording: Recording) -> None:
    """Refuse a choice of sound where there is none to choose from."""
    if recording.channels is not None and recording.media is None:
        raise DataError(
            f"Channels are those of the recording of a whole conversation. Conversation {recording.id!r} has "
            f"{'clips' if recording.clips is not None else 'none'}. Leave them out."
        )
    if recording.track is not None and not recording.has_media:
        raise DataError(f"Track {recording.track} was asked for. Conversation {recording.id!r} has no recording.")


def _opened(recording: Recording, cache: FeatureCache | None) -> tuple[Media | None, str]:
    if recording.media is None:
        return None, ""
    # Imported late: a conversation without a recording needs no PyAV.
    from crossspace.features.extraction.listening import opened_to_hear

    return opened_to_hear(cast(Path, recording.media), recording.track, cache, apart=recording.channels is not None)


def _heard(media: Media, names: tuple[str, ...]) -> str:
    audio = media.audio
    if audio is None:
        return ""
    parts = [f"track {audio.number} of {len(media.sounds)}"] if len(media.sounds) > 1 else []
    parts += [f"channel {audio.channel + 1} of {audio.channels}"] if audio.channel is not None else []
    parts += [f"channels {', '.join(names)}"] if names else []
    return "; ".join(parts)
