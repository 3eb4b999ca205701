"""Google Cloud Speech-to-Text, in both versions and as JSON of its protocol buffers; IBM Watson, which is alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crossspace.transcripts.clock import Amount, amount_of
from crossspace.transcripts.formats.json_file.service import Reading, Service
from crossspace.transcripts.formats.json_file.values import Object, at, objects, speaker, string, time, words
from crossspace.transcripts.rows import Row
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER
from crossspace.transcripts.units import SECONDS
from crossspace.transcripts.words import Word, cut, row_of_words, utterances, with_channel

_NOBODY = f"{UNKNOWN_SPEAKER} 0"
"""Speakers are counted from 1; the tag 0 stands where none were told apart."""


def _results(content: Any) -> list[Object]:
    found = objects(at(content, "results")) or objects(at(content, "response", "results"))
    return [result for result in found if isinstance(result.get("alternatives"), list)]


def _read(content: Any) -> Reading:
    """A result is an utterance, unless several speak in it. Words with speakers stand once more, all of them, in the
    last result; then that is what is read."""
    results, speakers = _results(content), _speakers(content)
    spoken = [_words(result) or _watson(result, speakers) for result in results]
    if _repeats(results, spoken):
        groups = utterances(spoken[-1], SECONDS)
        return Reading(
            (row_of_words(f"utterance {number}", group) for number, group in enumerate(groups, start=1)), SECONDS
        )
    return Reading(_rows(results, spoken), SECONDS)


def _rows(results: list[Object], spoken: list[list[Word]]) -> Iterator[Row]:
    channels = {tag for result in results if (tag := _channel(result)) is not None}
    last: Amount | None = None
    for number, (result, own) in enumerate(zip(results, spoken, strict=True), start=1):
        name = f"channel {_channel(result)}" if len(channels) > 1 else None
        text = string(at(result, "alternatives", 0, "transcript"))
        end = time(result, ("resultEndTime", "resultEndOffset", "result_end_time", "result_end_offset"))
        groups = list(utterances(with_channel(own, name)))
        if groups:
            for group, part in zip(groups, cut(text, groups) if text else [None] * len(groups), strict=True):
                yield row_of_words(f"result {number}", group, part)
        elif text:
            yield Row(f"result {number}", text.strip(), name or UNKNOWN_SPEAKER, last or Amount(0.0), end)
        last = end or last


def _channel(result: Object) -> int | None:
    tag = result.get("channelTag", result.get("channel_tag"))
    return tag if isinstance(tag, int) else None


def _words(result: Object) -> list[Word]:
    own = words(at(result, "alternatives", 0, "words"))
    # A start of zero is left out by protocol buffers.
    if own and own[0].start is None and own[0].end is not None:
        own[0] = replace(own[0], start=Amount(0.0, SECONDS))
    return [replace(word, speaker=None) if word.speaker == _NOBODY else word for word in own]


def _watson(result: Object, speakers: dict[float, str]) -> list[Word]:
    """Words as lists of a text and two times."""
    own = []
    stamps = at(result, "alternatives", 0, "timestamps")
    for item in stamps if isinstance(stamps, list) else []:
        text, start, end = string(at(item, 0)), amount_of(at(item, 1)), amount_of(at(item, 2))
        if text and start and end:
            own.append(Word(text, start, end, speakers.get(start.number)))
    return own


def _speakers(content: Any) -> dict[float, str]:
    """Who speaks from when, where the words do not say."""
    labels = objects(at(content, "speaker_labels"))
    return {start.number: name for label in labels if (start := time(label)) and (name := speaker(label))}


def _repeats(results: list[Object], spoken: list[list[Word]]) -> bool:
    """Whether the last result has the words of all others again, with speakers."""
    texts = [string(at(result, "alternatives", 0, "transcript")) or "" for result in results[:-1]]
    before = "".join("".join(texts).lower().split())
    again = "".join(word.text for word in spoken[-1]).lower()
    return bool(before) and any(word.speaker for word in spoken[-1]) and again.startswith(before)


GOOGLE = Service("Google Speech-to-Text", lambda content: bool(_results(content)), _read)
