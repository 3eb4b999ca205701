"""Amazon Transcribe, and Speechmatics, whose words and signs stand in a list of the same kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossspace.transcripts.clock import Amount
from crossspace.transcripts.formats.json_file.service import Reading, Service
from crossspace.transcripts.formats.json_file.values import Object, at, end_of, objects, speaker, string, time
from crossspace.transcripts.rows import Row
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER
from crossspace.transcripts.units import SECONDS
from crossspace.transcripts.words import Word, row_of_words, utterances


def _is_own(content: Any) -> bool:
    return bool(_items(content)) or bool(objects(at(content, "results", "audio_segments")))


def _items(content: Any) -> list[Object]:
    items = objects(at(content, "results", "items")) or objects(at(content, "results"))
    return items if items and "type" in items[0] and "alternatives" in items[0] else []


def _read(content: Any) -> Reading:
    """The service's own segments where it has them; else its words, cut at speakers and pauses."""
    segments = objects(at(content, "results", "audio_segments"))
    rows = list(_of_segments(segments)) if segments else []
    if not rows:
        groups = utterances(_words(_items(content), _turns(content), _channels(content)), SECONDS)
        rows = [row_of_words(f"utterance {number}", group) for number, group in enumerate(groups, start=1)]
    return Reading(rows, SECONDS)


def _of_segments(segments: list[Object]) -> Iterator[Row]:
    for number, segment in enumerate(segments, start=1):
        start = time(segment)
        who = speaker(segment) or string(segment.get("channel_label")) or UNKNOWN_SPEAKER
        text = string(segment.get("transcript")) or ""
        yield Row(f"segment {number}", text, who, start, end_of(segment, start))


def _words(items: list[Object], turns: dict[float, str], channels: dict[float, str]) -> list[Word]:
    read: list[Word] = []
    for item in items:
        best = at(item, "alternatives", 0)
        text = string(at(best, "content"))
        if not text:
            continue
        if item.get("type") == "punctuation":
            # It has no time of its own, or one that says nothing, and belongs to who speaks.
            read.append(Word(text))
            continue
        start = time(item)
        who = speaker(item) or speaker(best) or _at(turns, start) or _at(channels, start)
        read.append(Word(text, start, end_of(item, start), who or string(item.get("channel_label"))))
    return read


def _at(named: dict[float, str], start: Amount | None) -> str | None:
    return named.get(round(start.number, 3)) if start else None


def _turns(content: Any) -> dict[float, str]:
    """Who speaks at the start of each word, where the words themselves do not say."""
    named: dict[float, str] = {}
    for segment in objects(at(content, "results", "speaker_labels", "segments")):
        for item in objects(segment.get("items")) or [segment]:
            start, who = time(item), speaker(item) or speaker(segment)
            if start and who:
                named[round(start.number, 3)] = who
    return named


def _channels(content: Any) -> dict[float, str]:
    channels = objects(at(content, "results", "channel_labels", "channels"))
    named: dict[float, str] = {}
    for channel in channels if len(channels) > 1 else []:
        for item in objects(channel.get("items")):
            if (start := time(item)) and (name := string(channel.get("channel_label"))):
                named[round(start.number, 3)] = name
    return named


AMAZON = Service("Amazon Transcribe", _is_own, _read)
