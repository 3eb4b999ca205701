"""An analysis as JSON, or as a table of one row per utterance."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from crossspace.analysis.analysis import Analysis


def to_json(analysis: Analysis) -> str:
    """Everything there is."""
    return json.dumps(analysis.to_dict(), indent=2, ensure_ascii=False) + "\n"


def columns(analysis: Analysis) -> list[str]:
    """The names of what :func:`rows` gives."""
    head = ["conversation_id", "utterance_id", "position", "speaker", "start", "end", "text", "label", "confidence"]
    head += ["corrected"] * _has_corrections(analysis)
    head += [f"p_{label}" for label in analysis.labels]
    for m in analysis.model["modalities"]:
        head += [f"{m}_alone", f"{m}_contribution", f"{m}_missing"]
    return head


def _has_corrections(analysis: Analysis) -> bool:
    return any(u.corrected is not None for u in analysis.utterances)


def rows(analysis: Analysis) -> list[list[Any]]:
    """One row per utterance: who, when, what, the label, and all numbers behind it."""
    found = []
    for position, u in enumerate(analysis.utterances):
        row: list[Any] = [analysis.conversation_id, u.id, position, u.speaker, u.start, u.end]
        row += [u.text, u.label, u.confidence]
        row += [u.corrected] * _has_corrections(analysis)
        row += [u.probabilities[label] for label in analysis.labels]
        for m in analysis.model["modalities"]:
            alone = u.unimodal.get(m)
            row += [max(alone, key=lambda label: alone[label]) if alone else None]
            row += [u.contributions.get(m), u.missing.get(m)]
        found.append(row)
    return found


def to_csv(analysis: Analysis) -> str:
    """The rows as a table. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    # The module's own newline is \r\n, which writing as text would turn into \r\r\n on Windows.
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns(analysis))
    writer.writerows(map(_cell, row) for row in rows(analysis))
    return out.getvalue()


def _cell(value: object) -> object:
    # What somebody said is never to run as a formula on the machine of who reads the table.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
