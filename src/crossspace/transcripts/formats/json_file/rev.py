"""Rev and Rev AI: monologues of elements, which are words and the signs between them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crossspace.transcripts.formats.json_file.service import Reading, Service
from crossspace.transcripts.formats.json_file.values import at, objects, string, time
from crossspace.transcripts.rows import Row, speaker_of
from crossspace.transcripts.units import SECONDS

_SPEAKERS = ("speaker", "speaker_name", "speaker_id")


def _read(content: Any) -> Reading:
    names = {item.get("id"): item.get("name") for item in objects(content.get("speakers")) if _is_plain(item.get("id"))}
    return Reading(_rows(content, names), SECONDS)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int)


def _rows(content: Any, names: dict[Any, Any]) -> Iterator[Row]:
    for number, monologue in enumerate(objects(at(content, "monologues")), start=1):
        elements = objects(monologue.get("elements"))
        who = next((monologue[key] for key in _SPEAKERS if monologue.get(key) is not None), None)
        name = (names.get(who) if _is_plain(who) else None) or who
        text = "".join(string(element.get("value")) or "" for element in elements)
        starts = [t for element in elements if (t := time(element, ("ts", "timestamp")))]
        ends = [t for element in elements if (t := time(element, ("end_ts", "end_timestamp")))]
        start, end = (starts[0] if starts else None), (ends[-1] if ends else None)
        yield Row(f"monologue {number}", " ".join(text.split()), speaker_of(name), start, end)


REV = Service("Rev", lambda content: isinstance(at(content, "monologues"), list), _read)
