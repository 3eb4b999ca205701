"""A transcript: what was said, by whom and when, whatever file it came from."""

from __future__ import annotations

from dataclasses import dataclass, field

UNKNOWN_SPEAKER = "speaker"
"""Who speaks where a transcript does not say."""


@dataclass(frozen=True)
class Cue:
    """One utterance of a transcript.

    Attributes:
        text: what was said; ``None`` where it is not known.
        speaker: who said it; :data:`UNKNOWN_SPEAKER` where that is not known.
        start, end: seconds from the beginning of the recording, where they are known.
        id: what the file calls it, if it does.
        label: the emotion, where the file has one.
    """

    text: str | None
    speaker: str = UNKNOWN_SPEAKER
    start: float | None = None
    end: float | None = None
    id: str | None = None
    label: str | None = None


@dataclass(frozen=True)
class Transcript:
    """The utterances of one conversation in the order in which they were spoken.

    Attributes:
        cues: sorted by start where times are known, in the order of the file otherwise.
        notes: sentences on what was mended or left out on the way (empty cues, order, encoding); users see them.
    """

    cues: tuple[Cue, ...]
    notes: tuple[str, ...] = field(default=())
