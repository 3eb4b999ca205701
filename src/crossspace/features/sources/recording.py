"""What is to be extracted: one conversation with its transcript and its recordings, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from crossspace.transcripts.transcript import Transcript


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
    """

    id: str
    transcript: Transcript | Path | None = None
    media: Path | None = None
    clips: tuple[Path | None, ...] | None = None
    split: str | None = None
    labels: Path | None = None
    table: Path | None = None

    @property
    def has_media(self) -> bool:
        """Whether there is anything to hear or see."""
        return self.media is not None or self.clips is not None
