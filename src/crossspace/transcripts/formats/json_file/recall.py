"""Recall.ai: what each participant of a meeting says, word by word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossspace.transcripts.formats.json_file.service import Reading, Service
from crossspace.transcripts.formats.json_file.values import Object, first, objects, words
from crossspace.transcripts.rows import Row, speaker_of
from crossspace.transcripts.units import SECONDS
from crossspace.transcripts.words import row_of_words, with_channel

_NAMES = ("participant", "speaker")


def _is_own(content: Any) -> bool:
    items = objects(content)
    return bool(items) and all(_is_said(item) for item in items[:20])


def _is_said(item: Object) -> bool:
    spoken = objects(item.get("words"))
    return first(item, _NAMES)[0] != "" and bool(spoken) and "start_timestamp" in spoken[0]


def _read(content: Any) -> Reading:
    return Reading(_rows(objects(content)), SECONDS)


def _rows(items: list[Object]) -> Iterator[Row]:
    for number, item in enumerate(items, start=1):
        own = with_channel(words(item.get("words")), speaker_of(first(item, _NAMES)[1]))
        if own:
            yield row_of_words(f"entry {number}", own)


RECALL = Service("Recall.ai", _is_own, _read)
