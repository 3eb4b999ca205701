"""How recordings without a transcript are to be transcribed, as users say it."""

from __future__ import annotations

from dataclasses import dataclass

from crossspace.errors import UsageError

MOST_SPEAKERS = 16
"""That are told apart in one recording."""

AUTO = "auto"
"""Stands for a number of speakers that is to be found."""


@dataclass(frozen=True)
class Transcribing:
    """How recordings without a transcript are transcribed; plain values, so that other processes can be told.

    Attributes:
        recogniser: ``NAME[:VALUE][,key=value]``.
        speakers: how many there are in a recording, :data:`AUTO` where that is to be found; ``None``, they are not told
            apart.
        speaker_encoder: ``NAME[:VALUE][,key=value]``; the one that is always there where none is named.

    Raises:
        UsageError: it is no possible number of speakers.
    """

    recogniser: str
    speakers: int | str | None = None
    speaker_encoder: str | None = None

    def __post_init__(self) -> None:
        count = self.speakers
        if count in (None, AUTO) or (type(count) is int and 1 <= count <= MOST_SPEAKERS):
            return
        raise UsageError(f"Speakers should be a number from 1 to {MOST_SPEAKERS}, or {AUTO!r}. Found {count!r}.")

    @property
    def name(self) -> str:
        """Of the recogniser, without the way to its files."""
        return self.recogniser.partition(":")[0].partition(",")[0]


def transcribing(
    recogniser: str | None, speakers: int | str | None = None, speaker_encoder: str | None = None
) -> Transcribing | None:
    """How to transcribe; ``None`` where nobody asks for it.

    Args:
        recogniser, speakers, speaker_encoder: as of :class:`Transcribing`.

    Raises:
        UsageError: speakers are to be told apart, and no words to be recognised; or no possible number is given.
    """
    if recogniser is None:
        if speakers is not None or speaker_encoder is not None:
            raise UsageError(
                "Speakers are told apart in what a recogniser hears. Give one as well: --transcribe whisper:FOLDER."
            )
        return None
    if speaker_encoder is not None and speakers is None:
        raise UsageError(
            f"A speaker encoder ({speaker_encoder}) is of use where speakers are told apart. Say how many there are, "
            f"or {AUTO!r}."
        )
    return Transcribing(recogniser, speakers, speaker_encoder)


def count_or_auto(text: str) -> int | str:
    """How many speakers, as it is written on the command line."""
    return int(text) if text.isdecimal() else text
