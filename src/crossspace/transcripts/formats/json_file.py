"""JSON: a list of utterances, ``{"utterances": [...]}``, or what Whisper writes, ``{"segments": [...]}``."""

from __future__ import annotations

import re

from crossspace.data.foreign.json_text import parsed
from crossspace.errors import DataError
from crossspace.transcripts.bounds import MOST_VALUES
from crossspace.transcripts.columns import columns_of
from crossspace.transcripts.format import Format
from crossspace.transcripts.rows import cue_of
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.transcript import Transcript

_LISTS = ("utterances", "segments", "cues")


def parse_json(text: str, name: str) -> Transcript:
    """The transcript of a JSON file; an utterance whose text is ``null`` or absent is one whose words are not known.

    Raises:
        DataError: it is not JSON, has no list of utterances, or an utterance is not an object.
    """
    # Before parsing: an empty object takes many times the two bytes that it is written in.
    if text.count("{") + text.count("[") > MOST_VALUES:
        raise DataError(f"{name} should hold at most {MOST_VALUES:,} objects and lists. Found more. Cut it into parts.")
    try:
        content = parsed(text)
    except ValueError as error:
        raise DataError(f"{name} should be JSON. Found: {error}. Mend it, or give WebVTT, SRT or CSV.") from error
    if isinstance(content, dict):
        content = next((content[key] for key in _LISTS if key in content), None)
    if not isinstance(content, list):
        raise DataError(
            f'{name} should be a list of utterances, or an object with such a list under "utterances" or "segments". '
            'An utterance is {"speaker": "ANNA", "start": 0.5, "end": 2.0, "text": "Hello."}.'
        )
    entries, unread, wrong = Entries(name), list[str](), list[str]()
    for number, item in enumerate(content, start=1):
        place = f"utterance {number}"
        if not isinstance(item, dict):
            wrong.append(place)
            continue
        cue, faults = cue_of(item, columns_of(item))
        unread += [f"{place}: {fault}" for fault in faults]
        entries.add(place, cue)
    notes = [f"{len(unread)} times cannot be read and are unknown ({listed(unread)})."] if unread else []
    if wrong:
        notes.append(f"{len(wrong)} utterances are not objects; left out ({listed(wrong)}).")
    return tidied(entries, name, notes)


# A list of times in brackets begins with a bracket too.
_SIGN = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[\[{\]])")
JSON = Format("JSON", lambda text: _SIGN.match(text) is not None, parse_json, (".json",))
