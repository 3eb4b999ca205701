"""A transcript as lines of text, as a table, or as JSON: what is not known is left empty."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from crossspace.transcripts.clock import written
from crossspace.transcripts.spreadsheet import guarded
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

_COLUMNS = ("start", "end", "speaker", "text", "label", "sentiment", "id")


def to_txt(transcript: Transcript) -> str:
    """``[start --> end] NAME: words``, a line each; without the brackets where there are no times."""
    # Beside names an unnamed line would go on with the speaker above.
    named = any(cue.speaker != UNKNOWN_SPEAKER for cue in transcript.cues)
    lines = []
    for cue in transcript.cues:
        speaker = f"{' '.join(cue.speaker.split())}: " if named else ""
        lines.append(f"{_times(cue)}{speaker}{_words(cue)}\n")
    return "".join(lines)


def to_csv(transcript: Transcript) -> str:
    """A table of one row per utterance, times in seconds. What would run as a formula begins with an apostrophe."""
    rows = [_row(cue) for cue in transcript.cues]
    used = [name for name in _COLUMNS if name in ("speaker", "text") or any(row[name] is not None for row in rows)]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(used)
    # With three decimals, so that nobody takes seconds for milliseconds.
    writer.writerows([_seconds(row[n]) if n in ("start", "end") else guarded(row[n]) for n in used] for row in rows)
    return out.getvalue()


def to_json(transcript: Transcript) -> str:
    """A list of one object per utterance, times in seconds; only what is known."""
    rows = [{name: value for name, value in _row(cue).items() if value is not None} for cue in transcript.cues]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _row(cue: Cue) -> dict[str, Any]:
    return {name: getattr(cue, name) for name in _COLUMNS}


def _seconds(time: float | None) -> str:
    return "" if time is None else f"{time:.3f}"


def _times(cue: Cue) -> str:
    if cue.start is None:
        return ""
    end = "" if cue.end is None else f" --> {written(cue.end)}"
    return f"[{written(cue.start)}{end}] "


def _words(cue: Cue) -> str:
    return "(no transcript)" if cue.text is None else " ".join(cue.text.split())
