"""AssemblyAI."""

from __future__ import annotations

from typing import Any

from crossspace.transcripts.formats.json_file.items import Items
from crossspace.transcripts.formats.json_file.service import Reading, Service
from crossspace.transcripts.formats.json_file.values import objects, words
from crossspace.transcripts.units import MILLISECONDS
from crossspace.transcripts.words import row_of_words, utterances

_OWN = {"audio_duration", "audio_url", "acoustic_model", "speech_model", "language_model"}


def _is_own(content: Any) -> bool:
    return isinstance(content, dict) and bool(_OWN & set(content)) and bool({"utterances", "words"} & set(content))


def _read(content: Any) -> Reading:
    """Times are milliseconds. Without speakers there are words only."""
    items = Items(objects(content.get("utterances")))
    rows = items.rows()
    if not rows:
        groups = utterances(words(content.get("words")), MILLISECONDS)
        rows = [row_of_words(f"utterance {number}", group) for number, group in enumerate(groups, start=1)]
    return Reading(rows, MILLISECONDS, notes=items.notes())


ASSEMBLYAI = Service("AssemblyAI", _is_own, _read)
