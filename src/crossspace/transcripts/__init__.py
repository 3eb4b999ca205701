"""Transcripts of many formats, one file each, read into one type."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from crossspace.reading import reading
from crossspace.transcripts.columns import columns_of
from crossspace.transcripts.csv_table import header_of, parse_csv
from crossspace.transcripts.cues import TIMING
from crossspace.transcripts.encoding import read_text
from crossspace.transcripts.json_file import parse_json
from crossspace.transcripts.pasted import parse_text
from crossspace.transcripts.srt import parse_srt
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript, within
from crossspace.transcripts.vtt import parse_vtt

__all__ = ["UNKNOWN_SPEAKER", "Cue", "Transcript", "parse_text", "read_transcript", "within"]

_FORMATS: dict[str, Callable[[str, str], Transcript]] = {
    ".vtt": parse_vtt,
    ".srt": parse_srt,
    ".csv": parse_csv,
    ".tsv": parse_csv,
    ".json": parse_json,
}


def read_transcript(path: str | Path, name: str | None = None) -> Transcript:
    """Read a transcript: WebVTT, SRT, CSV, JSON, or lines ``NAME: what they say``.

    The suffix says the format; where it says none (``.txt``, no suffix), the content does.

    Args:
        path: of the file.
        name: how messages call it; its own name when not given.

    Raises:
        DataError: there is no such file, it is too large, binary, or holds no utterance.
    """
    path = Path(path)
    name = name or path.name
    with reading(name, "a transcript", "Look at it in an editor, or save it in another format."):
        text, notes = read_text(path, name)
        parse = _FORMATS.get(path.suffix.lower()) or _by_content(text)
        transcript = parse(text, name)
        return replace(transcript, notes=(*notes, *transcript.notes))


def _by_content(text: str) -> Callable[[str, str], Transcript]:
    head = text.lstrip()
    columns = columns_of(header_of(text)[0])
    if head.startswith("WEBVTT"):
        return parse_vtt
    # SRT has no sign of its own but its lines of times; WebVTT, whose lines look the same, was recognised above.
    if TIMING.search(text):
        return parse_srt
    if head[:1] in ("{", "["):
        return parse_json
    # Two known columns: a first line that happens to say "text" is no head of a table.
    if "text" in columns and len(columns) > 1:
        return parse_csv
    return parse_text
