"""Transcripts of many formats, one file each, read into one type."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from crossspace.copies import at_hand
from crossspace.reading import reading
from crossspace.stores import Where, place
from crossspace.transcripts.documents import document_text
from crossspace.transcripts.encoding import check_file, read_text
from crossspace.transcripts.format import Length
from crossspace.transcripts.formats import format_of
from crossspace.transcripts.formats.lines import parse_text
from crossspace.transcripts.sounds import apart
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript, within

__all__ = ["UNKNOWN_SPEAKER", "Cue", "Transcript", "parse_text", "read_transcript", "within"]


def read_transcript(path: Where, name: str | None = None, length: Length | None = None) -> Transcript:
    """Read a transcript of any of :data:`~crossspace.transcripts.formats.FORMATS`, or lines ``NAME: what they say``.

    The content says the format; where it says none, the ending of the name does. The paragraphs of a document
    (``.docx``, ``.odt``) are read like lines of text. Descriptions of sounds stand apart from speech
    (:attr:`Transcript.sounds`).

    Args:
        path: of the file.
        name: how messages call it; its own name when not given.
        length: seconds of its recording, asked for where times do not say what they count.

    Raises:
        DataError: there is no such file, it is too large, binary, of no known format, or holds no utterance.
    """
    where = place(path)
    name = name or where.name
    advice = "Look at it in an editor, or save it in another format."
    with at_hand(where) as file, reading(name, "a transcript", advice):
        check_file(file, name)
        text, notes = document_text(file, name) or read_text(file, name)
        kind = format_of(text, name, file.suffix.lower() or Path(name).suffix.lower())
        transcript = apart(kind.read(text, name, length), kind.sounds, name)
        return replace(transcript, notes=(*notes, *transcript.notes), format=kind.name)
