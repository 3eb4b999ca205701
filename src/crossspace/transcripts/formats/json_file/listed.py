"""JSON with a list of utterances: Whisper, WhisperX, most other programs, ConvoKit's corpora, our own exports."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crossspace.transcripts.formats.json_file.items import WORDS, Items, with_span
from crossspace.transcripts.formats.json_file.service import NotUtterances, Reading, Service
from crossspace.transcripts.formats.json_file.values import Object, at, objects, words
from crossspace.transcripts.rows import PREDICTED, Row, speaker_of
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.units import SECONDS, Unit
from crossspace.transcripts.words import Word, row_of_words, utterances

_LISTS = ("utterances", "segments", "cues", "speakers", "chunks", "transcription", "turns", "sentences", "snippets")
"""Keys under which a list of utterances stands at the top, whatever it holds; a list that is diarized comes first."""
_GROUPED = "Words stand alone; those without a change of speaker or a second of silence between are one utterance."
_SAMPLE = 20
_DEEPEST, _MOST_VISITED = 4, 2000


def _read(content: Any) -> Reading:
    place, items = list_in(content)
    if items is None:
        raise NotUtterances(_unknown(content))
    unit, duration = _unit(content, items), _duration(content)
    if spoken := _single_words(items):
        return Reading(_grouped(spoken), unit, duration, [_GROUPED])
    utterances_ = Items(items)
    rows, notes = utterances_.rows(), [f"The utterances were taken from {place!r}."] if place else []
    if _is_ours(content):
        # A label that a model gave, taken for that of a person, would be learnt or counted as true.
        rows, notes = [replace(row, label=None) for row in rows], [PREDICTED]
    else:
        notes += utterances_.notes()
    named = {
        speaker_of(item.get("id")): speaker_of(item) for item in objects(at(content, "speakers")) if "name" in item
    }
    rows = [replace(row, speaker=named.get(row.speaker, row.speaker)) for row in rows] if named else rows
    if len(utterances_.conversations) > 1:
        count = len(utterances_.conversations)
        raise NotUtterances(f"should hold one conversation. Found {count}. Make a file for each of them.")
    return Reading(rows, unit, duration, notes)


LISTED = Service("a list of utterances", lambda content: True, _read)


def list_in(content: Any) -> tuple[str, list[Any] | None]:
    """Where the utterances of a content stand, empty where that is usual, and they; ``None`` where there are none."""
    if isinstance(content, list):
        return "", content if not content or not objects(content) or _is_spoken(content) else None
    if not isinstance(content, dict):
        return "", None
    usual = [content[key] for key in _LISTS if isinstance(content.get(key), list)]
    # A list of speakers is one of utterances in some files and one of names in others.
    best = next((items for items in usual if _is_spoken(items)), None)
    if best is not None:
        return "", best
    if (inner := _inside(content)) is not None:
        return inner
    return "", next((items for items in usual if not objects(items)), None)


def _inside(content: Object) -> tuple[str, list[Any]] | None:
    """The first list of utterances anywhere within, those nearest to the top first."""
    waiting = deque([("", content, 0)])
    for _ in range(_MOST_VISITED):
        path, value, depth = waiting.popleft() if waiting else ("", {}, 0)
        for key, inner in value.items():
            here = f"{path}.{key}"[:100].lstrip(".")
            if isinstance(inner, list) and inner and _is_spoken(inner):
                return ("" if here in WORDS else here), inner
            if isinstance(inner, dict) and depth < _DEEPEST and len(waiting) < _MOST_VISITED:
                waiting.append((here, inner, depth + 1))
    return None


def _is_spoken(items: list[Any]) -> bool:
    """Whether some of the first objects of a list say who, when or what, more than one of them."""
    for item in objects(items[:_SAMPLE]):
        columns = Items([]).columns(with_span(item))
        own = any(words(item.get(key)) for key in WORDS)
        parts = {"text", "start", "speaker"} & set(columns)
        if own or "text" in parts or parts == {"start", "speaker"} or ("start" in parts and "end" in columns):
            return True
        if "word" in item:
            return True
    return False


def _single_words(items: list[Any]) -> list[Word]:
    """The words of a list whose every object is one; nothing where it is a list of utterances."""
    spans = [with_span(item) for item in objects(items)]
    own = words(spans)
    single = sum(len(word.text.split()) < 2 and word.start is not None for word in own)
    named = any("word" in item or item.get("type") in ("word", "spacing") for item in spans)
    return own if own and single >= 0.95 * len(spans) and (named or len(own) >= 10) else []


def _grouped(own: list[Word]) -> Iterator[Row]:
    for number, group in enumerate(utterances(own, SECONDS), start=1):
        yield row_of_words(f"utterance {number}", group)


def _unit(content: Any, items: list[Any]) -> Unit | None:
    """Whisper and its relatives count seconds; of others it must be judged."""
    known = {"seek", "avg_logprob", "no_speech_prob", "compression_ratio"}
    whisper = any(known & set(item) for item in objects(items[:_SAMPLE]))
    return SECONDS if whisper or _is_ours(content) or at(content, "word_segments") is not None else None


def _is_ours(content: Any) -> bool:
    """Whether it is an analysis that this package wrote."""
    return isinstance(content, dict) and {"arcs", "model", "utterances"} <= set(content)


def _duration(content: Any) -> float | None:
    for keys in (("audio_duration",), ("duration",), ("metadata", "duration"), ("media", "duration")):
        value = at(content, *keys)
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
    return None


def _unknown(content: Any) -> str:
    expected = (
        'should be a list of utterances, or an object with such a list under "utterances" or "segments". '
        'An utterance is {"speaker": "ANNA", "start": 0.5, "end": 2.0, "text": "Hello."}. '
    )
    if isinstance(content, dict):
        return expected + f"Found an object with the keys {listed([str(key)[:60] for key in content], 10) or 'none'}."
    if isinstance(content, list):
        keys = dict.fromkeys(str(key)[:60] for item in objects(content[:_SAMPLE]) for key in item)
        return expected + f"Found a list of objects with the keys {listed(list(keys), 10) or 'none'}."
    return expected + f"Found {type(content).__name__}."
