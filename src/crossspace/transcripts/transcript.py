"""A transcript: what was said, by whom and when, whatever file it came from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

UNKNOWN_SPEAKER = "speaker"
"""Who speaks where a transcript does not say."""


@dataclass(frozen=True)
class Cue:
    """One utterance of a transcript.

    Attributes:
        text: what was said; ``None`` where it is not known.
        speaker: who said it; :data:`UNKNOWN_SPEAKER` where that is not known.
        start, end: seconds from the beginning of the recording, where they are known.
        label: the emotion, where the file has one.
        row: which entry of its file it was, from 0; ``None`` where it stands in no file.
        id: what the file calls it, where it has a column of ids.
        sentiment: negative, neutral or positive, where the file has a column that says so.
        recognised: ``{"text": x, "speaker": x}``, from 0 to 1 how sure a recogniser is of what no person wrote; empty
            where people wrote the transcript.
    """

    text: str | None
    speaker: str = UNKNOWN_SPEAKER
    start: float | None = None
    end: float | None = None
    label: str | None = None
    row: int | None = field(default=None, compare=False)
    id: str | None = field(default=None, compare=False)
    sentiment: str | None = None
    recognised: Mapping[str, float] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Transcript:
    """The utterances of one conversation in the order in which they were spoken.

    Attributes:
        cues: sorted by start where times are known, in the order of the file otherwise.
        notes: sentences on what was mended or left out on the way (empty cues, order, encoding); users see them.
        entries: how many its file has, those without a text included; ``None`` where there is no file.
        sounds: what the file describes beside speech (``[Music]``, a song); nobody's utterances, and without emotion.
        format: of its file, such as ``WebVTT``; empty where there is no file.
    """

    cues: tuple[Cue, ...]
    notes: tuple[str, ...] = field(default=())
    entries: int | None = field(default=None, compare=False)
    sounds: tuple[Cue, ...] = ()
    format: str = field(default="", compare=False)

    def labelled(self, labels: Sequence[str | None]) -> Transcript:
        """The same with other labels, one per entry of the file, in its order.

        Raises:
            ValueError: there are more or fewer.
        """
        filed = self.entries is not None
        if len(labels) != (self.entries if filed else len(self.cues)):
            raise ValueError(f"There are {len(labels)} labels for {self.entries if filed else len(self.cues)} entries.")
        # Labels count the entries of the file, of which those without a text are no cues any more.
        rows = [cue.row if filed and cue.row is not None else at for at, cue in enumerate(self.cues)]
        return replace(self, cues=tuple(replace(c, label=labels[row]) for c, row in zip(self.cues, rows, strict=True)))


def within(transcript: Transcript, duration: float) -> Transcript:
    """The utterances that lie in a recording of ``duration`` seconds.

    Those that begin after its end are left out, those that run over it end with it; a note says how many. An utterance
    without an end ends with the recording, one without times is kept as it is.
    """
    cues, late, cut = [], 0, 0
    for cue in transcript.cues:
        if cue.start is not None and cue.start >= duration:
            late += 1
            continue
        over = cue.start is not None and (cue.end is None or cue.end > duration)
        # Captions are often rounded to a tenth of a second: that little is not worth a note.
        cut += cue.end is not None and cue.end > duration + 0.1
        cues.append(replace(cue, end=duration) if over else cue)
    total, notes = len(transcript.cues), list(transcript.notes)
    if late:
        notes.append(f"{late} of {total} utterances begin after the end of the recording ({duration:.1f} s); left out.")
    if cut:
        notes.append(f"{cut} of {total} utterances run over the end of the recording ({duration:.1f} s); cut there.")
    sounds = tuple(cue for cue in transcript.sounds if cue.start is None or cue.start < duration)
    return replace(transcript, cues=tuple(cues), notes=tuple(notes), sounds=sounds)
