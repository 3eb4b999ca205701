"""The names under which tables and JSON files keep the parts of an utterance."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from crossspace.data.sentiment import SENTIMENTS
from crossspace.transcripts.clock import seconds
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue

_NAMES = {
    "text": ("utterance", "text", "transcript", "transcription", "sentence", "content", "line", "caption"),
    "speaker": ("speaker", "speakername", "name", "who", "speakerid", "speakerlabel"),
    "start": ("start", "starttime", "begin", "begintime", "from", "onset", "startseconds", "startms", "starttimems"),
    "end": ("end", "endtime", "stop", "stoptime", "to", "until", "offset", "endseconds", "endms", "endtimems"),
    "label": ("label", "emotion"),
    "sentiment": ("sentiment",),
    "id": ("utteranceid", "uttid", "id"),
    "conversation": ("conversationid", "dialogueid", "dialogid", "sceneid", "conversation", "dialogue", "scene"),
    "season": ("season",),
    "episode": ("episode",),
}


_LONGEST = 500
"""Characters of a name of a column, or of a list of speakers, that are looked at."""


def columns_of(names: Iterable[str]) -> dict[str, str]:
    """``{part: name in the file}`` of the parts that are there; upper case, spaces and signs do not matter."""
    # Reversed, so that the first of two columns of one name wins.
    simple = {_simple(name): name for name in reversed(list(names))}
    return {part: simple[known[0]] for part, all_ in _NAMES.items() if (known := [n for n in all_ if n in simple])}


def cue_of(row: Mapping[str, Any], columns: Mapping[str, str]) -> tuple[Cue, list[str]]:
    """The utterance of a row, and which of its times cannot be read."""
    faults: list[str] = []

    def cell(part: str) -> Any:
        return row.get(columns[part]) if part in columns else None

    def time(part: str) -> float | None:
        value = cell(part)
        if value is None or str(value).strip() == "":
            return None
        # The unit stands in the name of the column; seconds are what is usual without one.
        number = seconds(str(value), 1000 if _simple(columns[part]).endswith("ms") else 1)
        if number is None or isinstance(value, bool):
            faults.append(f"{columns[part]} {str(value)[:30]!r}")
            return None
        return number

    said = cell("text")
    start, end = time("start"), time("end")
    cue = Cue(
        # An object where text should be is as good as empty, and the row is left out as such; null says "not known".
        text=None if said is None else str(said) if isinstance(said, str | int | float) else "",
        speaker=_speaker(cell("speaker")),
        start=start,
        end=end,
        label=_word(cell("label")),
        sentiment=_sentiment(cell("sentiment")),
        id=_word(cell("id")),
    )
    return cue, faults


def _simple(name: Any) -> str:
    return "".join(c for c in str(name)[:_LONGEST].lower() if c.isalnum())


def _word(value: Any) -> str | None:
    return (str(value).strip() or None) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _sentiment(value: Any) -> str | None:
    """One of the usual names, in lower case; whatever else such a column holds (intensities, say) is none."""
    word = (_word(value) or "").lower()
    return word if word in SENTIMENTS else None


def _speaker(value: Any) -> str:
    """A name; EmoryNLP writes a list of names, ``['Monica Geller']``."""
    if isinstance(value, str) and len(value) <= _LONGEST and value.strip().startswith("["):
        with suppress(ValueError, SyntaxError, MemoryError, RecursionError):
            # Literals only, and a bounded length: nesting beyond that would exhaust the parser.
            value = ast.literal_eval(value.strip())
    if isinstance(value, list | tuple):
        value = " and ".join(str(name) for name in value)
    return _word(value) or UNKNOWN_SPEAKER
