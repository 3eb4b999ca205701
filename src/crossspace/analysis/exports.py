"""An analysis as JSON, CSV, WebVTT or a page that needs nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.analysis.html import to_html
from crossspace.data.conversation_json import LATEST
from crossspace.errors import DataError, UsageError

_NOT_IN_A_CLASS = re.compile(r"[^\w-]+")


def to_json(analysis: Analysis) -> str:
    """Everything there is."""
    return json.dumps(analysis.to_dict(), indent=2, ensure_ascii=False) + "\n"


def to_csv(analysis: Analysis) -> str:
    """One row per utterance: who, when, what, the label, and all numbers behind it.

    A cell that a spreadsheet would take for a formula begins with an apostrophe.
    """
    modalities = analysis.model["modalities"]
    head = ["conversation_id", "utterance_id", "position", "speaker", "start", "end", "text", "label", "confidence"]
    head += [f"p_{label}" for label in analysis.labels]
    for m in modalities:
        head += [f"{m}_alone", f"{m}_contribution", f"{m}_missing"]
    out = io.StringIO()
    # The module's own newline is \r\n, which writing as text would turn into \r\r\n on Windows.
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    for position, u in enumerate(analysis.utterances):
        row: list[object] = [
            analysis.conversation_id,
            u.id,
            position,
            u.speaker,
            u.start,
            u.end,
            u.text,
            u.label,
            u.confidence,
        ]
        row += [u.probabilities[label] for label in analysis.labels]
        for m in modalities:
            alone = u.unimodal.get(m)
            row += [max(alone, key=lambda label: alone[label]) if alone else None]
            row += [u.contributions.get(m), u.missing.get(m)]
        writer.writerow(map(_cell, row))
    return out.getvalue()


def to_vtt(analysis: Analysis) -> str:
    """Captions whose cue class is the emotion, so that a style sheet colours them: ``::cue(.joy)``.

    Utterances without times, with a start before second 0, an end that is not after the start, or times later than
    any that is read here make no valid cue and are left out.

    Raises:
        DataError: no utterance has such times.
    """
    timed = [u for u in analysis.utterances if _has_cue(u)]
    if not timed:
        raise DataError(
            f"WebVTT needs times that begin at 0 or later and end after they begin, and no utterance of "
            f"{analysis.conversation_id!r} has any. Write JSON, CSV or HTML instead."
        )
    return "WEBVTT\n\n" + "\n".join(map(_cue, timed))


_WRITERS: dict[str, Callable[[Analysis], str]] = {".json": to_json, ".csv": to_csv, ".vtt": to_vtt, ".html": to_html}
FORMATS = tuple(_WRITERS)
"""File endings that say how an analysis is written."""


def render(analysis: Analysis, path: str | Path) -> str:
    """An analysis in the format that the ending of a path names.

    Raises:
        UsageError: there is no such format.
    """
    ending = Path(path).suffix.lower()
    if ending not in _WRITERS:
        raise UsageError(f"An analysis is written to files ending in {', '.join(FORMATS)}. Found {str(path)!r}.")
    return _WRITERS[ending](analysis)


def _has_cue(u: UtteranceAnalysis) -> bool:
    if u.start is None or u.end is None or not 0 <= u.start < u.end <= LATEST:
        return False
    # Times are written in thousandths, and a cue shorter than that would end where it begins.
    return _time(u.start) != _time(u.end)


def _cue(u: UtteranceAnalysis) -> str:
    assert u.start is not None and u.end is not None
    # An empty line would end the cue.
    text = " ".join((u.text or "(no transcript)").split())
    speaker = " ".join(u.speaker.split()) or "unknown"
    # A full stop would begin another class, a space an annotation.
    kind = _NOT_IN_A_CLASS.sub("-", u.label)
    return f"{_time(u.start)} --> {_time(u.end)}\n<v {_plain(speaker)}><c.{kind}>{_plain(text)}</c></v>\n"


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _time(seconds: float) -> str:
    # Rounded once, as a whole: rounding seconds alone could give 60 of them.
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _cell(value: object) -> object:
    # What somebody said is never to run as a formula on the machine of who reads the table.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
