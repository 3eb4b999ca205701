"""A transcript in the formats people work with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from crossspace.errors import UsageError
from crossspace.transcripts.transcript import Cue, Transcript
from crossspace.transcripts.writers import annotation, captions
from crossspace.transcripts.writers.plain import to_csv, to_json, to_txt
from crossspace.transcripts.writers.timed import left_out, timed, with_ends


@dataclass(frozen=True)
class _Writer:
    """How a format is written.

    Attributes:
        write: the text of the file, from the transcript and the name of the conversation.
        kind: how messages call the format.
        timed: whether an utterance needs times.
        labels, texts: whether emotions and words have a place in it.
    """

    write: Callable[[Transcript, str], str]
    kind: str
    timed: bool = True
    labels: bool = True
    texts: bool = True


def _label(cue: Cue) -> str | None:
    return cue.label


def _tiers(transcript: Transcript) -> dict[str, Callable[[Cue], str | None]]:
    return {"emotion": _label} if any(cue.label for cue in transcript.cues) else {}


_WRITERS = {
    ".vtt": _Writer(lambda t, name: captions.vtt(timed(t.cues, "WebVTT", name)), "WebVTT"),
    ".srt": _Writer(lambda t, name: captions.srt(timed(t.cues, "SRT", name)), "SRT", labels=False),
    ".eaf": _Writer(lambda t, name: annotation.eaf(timed(t.cues, "ELAN", name), _tiers(t)), "ELAN"),
    ".TextGrid": _Writer(lambda t, name: annotation.textgrid(timed(t.cues, "Praat", name), _tiers(t)), "Praat"),
    ".rttm": _Writer(lambda t, name: annotation.rttm(timed(t.cues, "RTTM", name), name), "RTTM", True, False, False),
    ".csv": _Writer(lambda t, _: to_csv(t), "CSV", timed=False),
    ".json": _Writer(lambda t, _: to_json(t), "JSON", timed=False),
    ".txt": _Writer(lambda t, _: to_txt(t), "text", timed=False, labels=False),
}
FORMATS = tuple(_WRITERS)
"""File endings that say how a transcript is written."""


def written_as(transcript: Transcript, path: str | Path, name: str) -> tuple[str, list[str]]:
    """The text of a file, in the format that the ending of its path names, and what has no place in it.

    Args:
        transcript: of a conversation.
        path: of the file that is to be written.
        name: of the conversation.

    Raises:
        UsageError: there is no such format.
        DataError: the format needs times, and no utterance has any.
    """
    writer = _WRITERS[ending_of(path)]
    cues, lost = with_ends(transcript.cues) if writer.timed else (list(transcript.cues), [])
    transcript = replace(transcript, cues=tuple(cues))
    text = writer.write(transcript, name)
    if writer.timed:
        lost += left_out(cues, writer.kind)
    if not writer.labels and (labelled := sum(cue.label is not None for cue in cues)):
        lost.append(f"{writer.kind} has no place for the emotions of {labelled} utterances; left out.")
    if not writer.texts and any(cue.text for cue in cues):
        lost.append(f"{writer.kind} says who speaks when; the words are left out.")
    if transcript.sounds:
        lost.append(f"{len(transcript.sounds)} sounds and songs are nobody's utterances; left out.")
    return text, lost


def ending_of(path: str | Path) -> str:
    """Which of :data:`FORMATS` the path ends in.

    Raises:
        UsageError: none.
    """
    return ending_among(path, FORMATS, "The transcript should be written to a file that ends")


def ending_among(path: str | Path, formats: Sequence[str], expected: str) -> str:
    """Which of some endings a path has, in upper or lower case.

    Args:
        path: of the file that is to be written.
        formats: the endings.
        expected: the beginning of the refusal.

    Raises:
        UsageError: none.
    """
    ending = next((one for one in formats if one.lower() == Path(path).suffix.lower()), None)
    if ending is None:
        raise UsageError(f"{expected} in {', '.join(formats)}. Found {str(path)!r}.")
    return ending
