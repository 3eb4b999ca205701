"""JSON of recognisers and services, each known by its keys, and any list of utterances."""

from __future__ import annotations

import re
from typing import Any

from crossspace.data.foreign.json_text import parsed
from crossspace.errors import DataError
from crossspace.transcripts.bounds import MOST_VALUES
from crossspace.transcripts.format import Format, Length
from crossspace.transcripts.formats.json_file.amazon import AMAZON
from crossspace.transcripts.formats.json_file.assemblyai import ASSEMBLYAI
from crossspace.transcripts.formats.json_file.azure import AZURE
from crossspace.transcripts.formats.json_file.deepgram import DEEPGRAM
from crossspace.transcripts.formats.json_file.google import GOOGLE
from crossspace.transcripts.formats.json_file.listed import LISTED
from crossspace.transcripts.formats.json_file.recall import RECALL
from crossspace.transcripts.formats.json_file.rev import REV
from crossspace.transcripts.formats.json_file.service import NotUtterances, Service
from crossspace.transcripts.formats.json_file.youtube import YOUTUBE
from crossspace.transcripts.rows import entries_of
from crossspace.transcripts.tidy import tidied
from crossspace.transcripts.transcript import Transcript

__all__ = ["JSON", "SERVICES", "parse_json"]

SERVICES: tuple[Service, ...] = (ASSEMBLYAI, DEEPGRAM, AMAZON, AZURE, GOOGLE, REV, RECALL, YOUTUBE, LISTED)
"""In the order in which their signs are looked for; any list of utterances comes last."""


def parse_json(text: str, name: str, length: Length | None = None) -> Transcript:
    """The transcript of a JSON file; an utterance whose text is ``null`` or absent is one whose words are not known.

    Raises:
        DataError: it is not JSON, or holds no list of utterances, or those of several conversations.
    """
    content = _content(text, name)
    service = next(service for service in SERVICES if service.sign(content))
    try:
        reading = service.read(content)
        entries, notes = entries_of(reading.rows, name, reading.unit, reading.duration, length)
    except NotUtterances as error:
        raise DataError(f"{name} {error}") from error
    return tidied(entries, name, [*notes, *reading.notes])


def _content(text: str, name: str) -> Any:
    """What a JSON file holds; the objects of a file of JSON Lines are a list."""
    # Before parsing: an empty object takes many times the two bytes that it is written in.
    if text.count("{") + text.count("[") > MOST_VALUES:
        raise DataError(f"{name} should hold at most {MOST_VALUES:,} objects and lists. Found more. Cut it into parts.")
    try:
        return parsed(text)
    except ValueError as error:
        lines = _lines(text)
        if lines is not None:
            return lines
        raise DataError(f"{name} should be JSON. Found: {error}. Mend it, or give WebVTT, SRT or CSV.") from error


def _lines(text: str) -> list[Any] | None:
    lines = [line for line in text.split("\n") if line.strip()]
    if len(lines) < 2 or not all(line.lstrip().startswith("{") and line.rstrip().endswith("}") for line in lines):
        return None
    try:
        return [parsed(line) for line in lines]
    except ValueError:
        return None


# A list of times in brackets begins with a bracket too.
_SIGN = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\]])")
_ENDINGS = (".json", ".jsonl", ".ndjson")
JSON = Format("JSON", lambda text: _SIGN.match(text) is not None, parse_json, _ENDINGS, measured=True)
