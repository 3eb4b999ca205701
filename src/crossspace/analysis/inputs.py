"""What is given to be analyzed: a recording, a transcript, or both."""

from __future__ import annotations

from pathlib import Path

from crossspace.copies import at_hand
from crossspace.errors import DataError, UsageError
from crossspace.features.media import open_media
from crossspace.features.sources import TRANSCRIPTS, Recording, is_manifest, is_transcript
from crossspace.features.sources.folder import read_folder
from crossspace.features.speech.transcribing import Transcribing
from crossspace.stores import Place, Where, place
from crossspace.transcripts import Transcript, read_transcript
from crossspace.transcripts.turns import joined


def extracted(media: Place | None) -> tuple[str, ...] | None:
    """Which modalities are extracted; all of the model's if ``None``.

    A transcript alone needs no extractor of sound or pictures, which may be large or not installed.
    """
    return None if media is not None else ("text",)


def inputs_of(
    source: Where,
    transcript: Where | None = None,
    transcribing: Transcribing | None = None,
    turns: Where | None = None,
) -> tuple[Place | None, Transcript | None]:
    """The recording and what the transcript says, either of which may lack.

    A transcript that cannot be read is refused here, before a model is loaded.

    Args:
        source: a recording, or a transcript alone.
        transcript: of the recording.
        transcribing: how it is to be transcribed instead.
        turns: who speaks when, as diarization writes it, for a transcript that does not say who speaks.

    Raises:
        DataError: there is no such file, or it is no transcript.
        UsageError: it is a manifest of recordings, or two transcripts are given, or one and a recogniser.
    """
    source = place(source)
    if not source.is_file():
        raise DataError(
            f"{source} should be a recording or a transcript. Found {'a folder' if source.is_dir() else 'nothing'}."
        )
    if is_manifest(source):  # asked before the other question: a manifest ends in .csv as a transcript may
        raise UsageError(
            f"{source} is a manifest of recordings, which 'crossspace extract' reads. Give one recording or transcript."
        )
    written = transcript or (source if is_transcript(source) else None)
    if transcribing is not None and written is not None:
        raise UsageError(
            f"What is said stands in the transcript {written} already. Leave out --transcribe, or the transcript."
        )
    if is_transcript(source) and transcript:
        raise UsageError(f"{source} is a transcript itself. Give the recording as SOURCE, or leave --transcript out.")
    alone = is_transcript(source)
    said = None if written is None else read_transcript(written, length=None if alone else lambda: _duration(source))
    if turns is not None:
        if said is None:
            raise UsageError(
                f"{turns} says who speaks in a transcript, and there is none. Give it, or leave --turns out."
            )
        said = joined(said, read_transcript(turns))
    return None if alone else source, said


def _duration(media: Place) -> float:
    with at_hand(media) as file:
        return open_media(file).duration


def conversations_in(folder: Place, notes: list[str], out: Path | None = None) -> list[Recording]:
    """The recordings and transcripts in a folder and below, each recording with the transcript beside it.

    Args:
        folder: where they lie.
        notes: takes a sentence on the files that were not used.
        out: a folder that is passed over: that into which analyses are written, which would be taken for transcripts.

    Raises:
        DataError: there are none, or several of one name.
    """
    found = read_folder(folder, TRANSCRIPTS, notes, alone=True, out=out)
    if not found:
        raise DataError(f"{folder} should hold recordings or transcripts. Found none by the endings of their names.")
    return found
