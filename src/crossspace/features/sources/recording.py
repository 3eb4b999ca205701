"""What is to be extracted: one conversation with its transcript and its recordings, before anything is decoded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crossspace.errors import UsageError
from crossspace.stores import Place
from crossspace.transcripts.transcript import Transcript

EACH_SPEAKER = "speakers"
"""Stands for names of channels where only is known that each has a speaker of its own."""

Channels = str | tuple[str, ...]
"""Whose channels those of a recording are: :data:`EACH_SPEAKER`, or the name of the speaker of each."""


def channels_of(text: str | Sequence[str]) -> Channels:
    """``speakers``, or the names of speakers: ``A,B``, as they are written on a command line, or one by one.

    Raises:
        UsageError: a name is empty or stands twice.
    """
    names = tuple(name.strip() for name in (text.split(",") if isinstance(text, str) else text))
    if names == (EACH_SPEAKER,):
        return EACH_SPEAKER
    twice = [name for name in names if [n.casefold() for n in names].count(name.casefold()) > 1]
    if len(names) < 2 or not all(names) or twice:
        raise UsageError(
            f"Channels should be 'speakers', or the name of the speaker of each, all different: A,B. Found {text!r}."
        )
    return names


def track_of(text: str) -> int:
    """The number of an audio track, from 1.

    Raises:
        UsageError: it is none.
    """
    # Bounded, since a whole number may have any number of digits.
    if not text.strip().isascii() or not text.strip().isdigit() or len(text.strip()) > 6 or int(text) < 1:
        raise UsageError(f"The track should be the number of an audio track: 1, 2, ... Found {text[:20]!r}.")
    return int(text)


@dataclass(frozen=True)
class Recording:
    """One conversation to extract.

    Attributes:
        id: the conversation id.
        transcript: a transcript, the file of one, or ``None`` when speech has to be found in the recording.
        media: the recording of the whole conversation, if there is one.
        clips: a recording for every utterance of ``transcript`` instead, each ``None`` where it lacks.
        split: ``train``, ``validation``, ``test`` or ``None``.
        labels: a file with one label per line for every entry of the transcript, in the order of its file and those
            without a text included, if labels do not stand in the transcript.
        table: the file that holds this conversation among others; the ``row`` of its cues is that of the file.
        track: which audio track is heard, from 1; the one with speech where none is given.
        channels: ``"speakers"`` where each channel has a speaker of its own, or the name of the speaker of each; their
            mean is heard where nothing is given.
    """

    id: str
    transcript: Transcript | Place | None = None
    media: Place | None = None
    clips: tuple[Place | None, ...] | None = None
    split: str | None = None
    labels: Place | None = None
    table: Place | None = None
    track: int | None = None
    channels: Channels | None = None

    @property
    def has_media(self) -> bool:
        """Whether there is anything to hear or see."""
        return self.media is not None or self.clips is not None
