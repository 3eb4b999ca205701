"""Azure Speech: batch transcription, fast transcription, and what its recognisers return phrase by phrase."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossspace.transcripts.clock import Amount
from crossspace.transcripts.formats.json_file.service import Reading, Service
from crossspace.transcripts.formats.json_file.values import Object, at, first, objects, speaker, string, time
from crossspace.transcripts.rows import Row
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER
from crossspace.transcripts.units import MILLISECONDS, TICKS, Unit

_STARTS = ("offsetInTicks", "offsetMilliseconds", "offset", "Offset")
_LENGTHS = ("durationInTicks", "durationMilliseconds", "duration", "Duration")


def _phrases(content: Any) -> list[Object]:
    if isinstance(content, dict):
        phrases = objects(content.get("recognizedPhrases"))
        fast = {"combinedPhrases", "durationMilliseconds", "duration"} & set(content)
        return phrases or (objects(content.get("phrases")) if fast else [])
    return [item for item in objects(content) if {"Offset", "Duration"} <= set(item)]


def _read(content: Any) -> Reading:
    """Times are ticks or have their unit in their names; those of fast transcription are milliseconds."""
    phrases = _phrases(content)
    fast = isinstance(content, dict) and not content.get("recognizedPhrases")
    unit = MILLISECONDS if fast else TICKS
    failed = sum(not _is_recognised(phrase) for phrase in phrases)
    notes = [f"{failed} phrases were not recognised, as the file says; left out."] if failed else []
    return Reading(_rows(phrases, unit), unit, notes=notes)


def _is_recognised(phrase: Object) -> bool:
    return bool(phrase.get("recognitionStatus", "Success") == "Success")


def _rows(phrases: list[Object], unit: Unit) -> Iterator[Row]:
    channels = {phrase.get("channel") for phrase in phrases if isinstance(phrase.get("channel"), int)}
    for number, phrase in enumerate(phrases, start=1):
        if not _is_recognised(phrase):
            continue
        best = at(phrase, "nBest", 0) or at(phrase, "NBest", 0)
        text = string(first(phrase, ("text", "DisplayText"))[1])
        text = text or string(first(best, ("display", "Display", "lexical", "Lexical"))[1]) or ""
        channel = f"channel {phrase.get('channel')}" if len(channels) > 1 else UNKNOWN_SPEAKER
        start, length = time(phrase, _STARTS), time(phrase, _LENGTHS)
        yield Row(f"phrase {number}", text, speaker(phrase) or channel, start, _after(start, length, unit))


def _after(start: Amount | None, length: Amount | None, unit: Unit) -> Amount | None:
    if start is None or length is None:
        return None
    per_second, own = (amount.unit or unit for amount in (start, length))
    if per_second.per_second is None or own.per_second is None:
        return None
    return Amount(start.number + length.number / own.per_second * per_second.per_second, per_second)


AZURE = Service("Azure Speech", lambda content: bool(_phrases(content)), _read)
