"""Deepgram."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossspace.transcripts.formats.json_file.items import Items
from crossspace.transcripts.formats.json_file.service import Reading, Service
from crossspace.transcripts.formats.json_file.values import Object, at, objects, string, words
from crossspace.transcripts.rows import Row, row_of, speaker_of
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER
from crossspace.transcripts.units import SECONDS
from crossspace.transcripts.words import row_of_words, utterances, with_channel


def _is_own(content: Any) -> bool:
    return isinstance(at(content, "results", "channels"), list) or (
        isinstance(at(content, "results", "utterances"), list) and "metadata" in content
    )


def _read(content: Any) -> Reading:
    """The utterances where they were asked for, else the words of every channel, else its paragraphs."""
    spoken = objects(at(content, "results", "utterances"))
    several = len({item.get("channel") for item in spoken if isinstance(item.get("channel"), int)}) > 1
    items = Items([_with_channel(item) if several else item for item in spoken])
    rows = items.rows()
    channels = objects(at(content, "results", "channels"))
    if not rows:
        rows = [row for number, channel in enumerate(channels) for row in _of_channel(channel, number, len(channels))]
    return Reading(rows, SECONDS, notes=items.notes())


def _with_channel(item: Object) -> Object:
    """Where channels are told apart and no speakers within them, a channel is a speaker."""
    return item if item.get("speaker") is not None else item | {"speaker": f"channel {item.get('channel')}"}


def _of_channel(channel: Object, number: int, channels: int) -> Iterator[Row]:
    best = at(channel, "alternatives", 0)
    name = f"channel {number}" if channels > 1 else None
    if own := words(at(best, "words")):
        for place, group in enumerate(utterances(with_channel(own, name), SECONDS), start=1):
            yield row_of_words(f"utterance {place}", group)
        return
    for place, paragraph in enumerate(objects(at(best, "paragraphs", "paragraphs")), start=1):
        who = speaker_of(paragraph.get("speaker"))
        for sentence in objects(paragraph.get("sentences")):
            values = sentence | {"speaker": name if name and who == UNKNOWN_SPEAKER else who}
            yield row_of(f"paragraph {place}", values, {key: key for key in ("text", "speaker", "start", "end")})
    if not at(best, "paragraphs") and (text := string(at(best, "transcript"))):
        yield Row("channel", text, name or UNKNOWN_SPEAKER)


DEEPGRAM = Service("Deepgram", _is_own, _read)
