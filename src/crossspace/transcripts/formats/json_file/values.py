"""Parts of JSON that may hold anything: each is what it should be or empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crossspace.transcripts.clock import Amount, amount_of
from crossspace.transcripts.rows import speaker_of
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER
from crossspace.transcripts.units import unit_of
from crossspace.transcripts.words import Word

Object = dict[str, Any]

_TEXTS = ("punctuated_word", "word", "text", "content", "value", "displayText", "utf8")
_STARTS = ("start", "start_time", "startTime", "startOffset", "start_offset", "start_timestamp", "offsetMilliseconds",
           "offsetInTicks", "offset", "start_ms", "ts", "timestamp", "from")  # fmt: skip
_ENDS = ("end", "end_time", "endTime", "endOffset", "end_offset", "end_timestamp", "end_ms", "end_ts", "to")
_LENGTHS = ("durationMilliseconds", "durationInTicks", "duration")
_SPEAKERS = ("speaker", "speaker_label", "speakerLabel", "speakerTag", "speaker_tag", "speaker_id", "speakerId")


def objects(value: Any) -> list[Object]:
    """The objects of a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def at(content: Any, *keys: str | int) -> Any:
    """What stands under keys inside of each other; ``None`` where it does not go on."""
    for key in keys:
        if isinstance(content, dict) and isinstance(key, str):
            content = content.get(key)
        elif isinstance(content, list) and isinstance(key, int) and key < len(content):
            content = content[key]
        else:
            return None
    return content


def first(item: Any, keys: Iterable[str]) -> tuple[str, Any]:
    """The first of some keys that says something, and what; empty and ``None`` where none does."""
    if not isinstance(item, dict):
        return "", None
    return next(((key, item[key]) for key in keys if item.get(key) is not None), ("", None))


def string(value: Any) -> str | None:
    """A text."""
    return value if isinstance(value, str) else None


def time(item: Mapping[str, Any], keys: Iterable[str] = _STARTS) -> Amount | None:
    """The time under the first of some keys, whose names may say the unit."""
    key, value = first(item, keys)
    if isinstance(value, dict) and "relative" in value:
        value = value["relative"]
    amount = amount_of(value)
    return Amount(amount.number, unit_of(key)[1]) if amount and amount.unit is None else amount


def end_of(item: Mapping[str, Any], start: Amount | None) -> Amount | None:
    """When something ends that says so, or how long it takes."""
    end, length = time(item, _ENDS), time(item, _LENGTHS)
    if end is None and start and length and start.unit == length.unit:
        return Amount(start.number + length.number, start.unit)
    return end


def speaker(item: Mapping[str, Any]) -> str | None:
    """Who speaks, where an object says so."""
    name = speaker_of(first(item, _SPEAKERS)[1])
    return None if name == UNKNOWN_SPEAKER else name


def words(value: Any) -> list[Word]:
    """The words of a list of objects."""
    read = []
    for item in objects(value):
        text = string(first(item, _TEXTS)[1])
        if text:
            start = time(item)
            read.append(Word(text, start, end_of(item, start), speaker(item)))
    return read
