"""The utterances of a list of objects, under whatever keys they keep their parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from crossspace.transcripts.bounds import MOST_ENTRIES
from crossspace.transcripts.columns import columns_of
from crossspace.transcripts.formats.json_file.values import Object, words
from crossspace.transcripts.rows import Row, row_of
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER
from crossspace.transcripts.words import Word, cut, joined_words, row_of_words, utterances

_SPANS = ("timestamp", "timestamps", "offsets", "time", "times", "span", "interval")
"""Keys under which start and end stand together; a clock is preferred to numbers."""
WORDS = ("words", "result", "tokens")
_BOOKKEEPING = {
    *("id", "index", "type", "channel", "language", "language_code", "lang", "is_final", "final", "num_words", "chars"),
    *("seek", "tokens", "temperature", "avg_logprob", "compression_ratio", "no_speech_prob", "no_caption_prob"),
    *("confidence", "score", "probability", "logprob", "speaker_id", "speaker_confidence", "words", "result"),
    *("reply_to", "reply-to", "replyTo", "root", "vectors", "offsets", "timestamps", "timestamp"),
}
"""Keys of recognisers, services and corpora of conversations that say nothing of who speaks when and what."""


class Items:
    """Utterances of a list.

    Attributes:
        conversations: that the utterances name.
    """

    def __init__(self, items: list[Any]) -> None:
        self._items = items
        self._columns: dict[tuple[str, ...], dict[str, str]] = {}
        self._unused: Counter[str] = Counter()
        self._wrong: list[str] = []
        self.conversations: set[str] = set()

    def rows(self) -> list[Row]:
        """One per utterance, at most one more than a transcript may have; those in which several speak are cut where
        the speaker changes."""
        return list(islice(self._rows(), MOST_ENTRIES + 1))

    def _rows(self) -> Iterator[Row]:
        for number, item in enumerate(self._items, start=1):
            place = f"utterance {number}"
            if isinstance(item, dict):
                yield from self._rows_of(place, item)
            else:
                self._wrong.append(place)

    def notes(self) -> list[str]:
        """What was left out, once the rows are read."""
        notes = []
        if self._wrong:
            notes.append(f"{len(self._wrong)} utterances are not objects; left out ({listed(self._wrong)}).")
        if self._unused:
            notes.append(f"Keys not used: {listed(list(self._unused), 20)}.")
        return notes

    def _rows_of(self, place: str, item: Object) -> Iterator[Row]:
        item = with_span(item)
        columns = self.columns(item)
        row = row_of(place, item, columns)
        if "conversation" in columns:
            self.conversations.add(str(item[columns["conversation"]])[:100])
        own = next((spoken for key in WORDS if (spoken := words(item.get(key)))), [])
        yield from _cut_by_speakers(row, own) if own else [row]

    def columns(self, item: Object) -> dict[str, str]:
        """Where the parts of an object stand."""
        keys = tuple(item)
        if keys not in self._columns:
            # Objects of a file have the same keys; where each has others, no more than these are kept.
            if len(self._columns) > 1000:
                self._columns.clear()
            columns = columns_of(key for key in keys if key not in WORDS)
            self._columns[keys] = columns
            used = set(columns.values()) | _BOOKKEEPING
            if len(self._unused) < 1000:
                self._unused.update(key[:60] for key in keys if key not in used)
        return self._columns[keys]


def with_span(item: Object) -> Object:
    """An object whose start and end stand in keys of their own."""
    for key in _SPANS:
        span = item.get(key)
        if isinstance(span, list) and len(span) == 2:
            return _without(item, key) | {"start": span[0], "end": span[1]}
        if isinstance(span, dict) and {"from", "to"} <= set(span):
            return _without(item, key) | {"start": span["from"], "end": span["to"]}
        if isinstance(span, dict) and "start" in span:
            return _without(item, key) | {"start": span["start"], "end": span.get("end")}
    return item


def _without(item: Object, name: str) -> Object:
    return {key: value for key, value in item.items() if key != name}


def _cut_by_speakers(row: Row, own: list[Word]) -> list[Row]:
    """The utterances of one entry with words: one, unless several speak."""
    groups = list(utterances(own))
    whole = row_of_words(row.place, own, row.text)
    row = replace(
        row,
        text=whole.text if row.text is None else row.text,
        start=row.start or whole.start,
        end=row.end or (None if row.duration else whole.end),
    )
    if len(groups) < 2:
        spoken = groups[0][0].speaker if row.speaker == UNKNOWN_SPEAKER else None
        return [replace(row, speaker=spoken or row.speaker)]
    texts = cut(row.text, groups) if row.text else [joined_words(group) for group in groups]
    rows = [row_of_words(row.place, group, text) for group, text in zip(groups, texts, strict=True)]
    # What the whole entry says of its times holds for its edges, where words have none.
    rows[0] = replace(rows[0], start=groups[0][0].start or row.start or rows[0].start)
    rows[-1] = replace(rows[-1], end=groups[-1][-1].end or row.end or rows[-1].end)
    return [replace(one, label=row.label, sentiment=row.sentiment, id=row.id, exact=row.exact) for one in rows]
