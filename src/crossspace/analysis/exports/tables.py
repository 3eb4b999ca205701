"""An analysis as JSON, or as a table of one row per utterance."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from crossspace.analysis.analysis import Analysis
from crossspace.transcripts.spreadsheet import guarded
from crossspace.transcripts.tidy import CONTROLS

METADATA = b"crossspace_analysis"
"""Where the metadata of a Parquet file hold the analysis."""


def to_json(analysis: Analysis) -> str:
    """Everything there is."""
    return json.dumps(analysis.to_dict(), indent=2, ensure_ascii=False) + "\n"


def columns(analysis: Analysis) -> list[str]:
    """The names of what :func:`rows` gives."""
    head = ["conversation_id", "utterance_id", "position", "speaker", "start", "end", "text", "label", "confidence"]
    head += ["unsure"] * bool(analysis.unsure_below)
    head += ["corrected"] * _has_corrections(analysis)
    head += [f"p_{label}" for label in analysis.labels]
    for m in analysis.model["modalities"]:
        head += [f"{m}_alone", f"{m}_contribution", f"{m}_missing"]
    return head + [f"recognised.{what}" for what in _recognised(analysis)]


def _has_corrections(analysis: Analysis) -> bool:
    return any(u.corrected is not None for u in analysis.utterances)


def rows(analysis: Analysis) -> list[list[Any]]:
    """One row per utterance: who, when, what, the label, and all numbers behind it."""
    found = []
    # Asked once: each answer takes a look at all utterances.
    corrections, recognised = _has_corrections(analysis), _recognised(analysis)
    for position, u in enumerate(analysis.utterances):
        row: list[Any] = [analysis.conversation_id, u.id, position, u.speaker, u.start, u.end]
        row += [u.text, u.label, u.confidence]
        row += [analysis.is_unsure(u)] * bool(analysis.unsure_below)
        row += [u.corrected] * corrections
        row += [u.probabilities[label] for label in analysis.labels]
        for m in analysis.model["modalities"]:
            alone = u.unimodal.get(m)
            row += [max(alone, key=lambda label: alone[label]) if alone else None]
            row += [u.contributions.get(m), u.missing.get(m)]
        row += [u.recognised.get(what) for what in recognised]
        found.append(row)
    return found


def _recognised(analysis: Analysis) -> list[str]:
    """What was recognised in any utterance: where people wrote all of it there are no such columns."""
    return [what for what in ("text", "speaker") if any(what in u.recognised for u in analysis.utterances)]


def to_csv(analysis: Analysis) -> str:
    """The rows as a table. A cell that a spreadsheet would take for a formula begins with an apostrophe."""
    out = io.StringIO()
    # The module's own newline is \r\n, which writing as text would turn into \r\r\n on Windows.
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(_cell, columns(analysis)))
    writer.writerows(map(_cell, row) for row in rows(analysis))
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()  # as JSON and the page write it
    # Codes go first: without them a cell may begin as a formula does, and Python 3.10 writes no NUL.
    return guarded(value.translate(CONTROLS) if isinstance(value, str) else value)


def to_parquet(analysis: Analysis) -> bytes:
    """The rows with their types; the metadata hold the whole analysis as JSON, from which it is read back."""
    import pyarrow
    from pyarrow import parquet

    table_rows = rows(analysis)
    # By their place, so that a table without rows has its columns too.
    names = enumerate(columns(analysis))
    arrays = {name: pyarrow.array([row[at] for row in table_rows], _type(name)) for at, name in names}
    table = pyarrow.table(arrays)
    stream = io.BytesIO()
    whole = json.dumps(analysis.to_dict(), ensure_ascii=False).encode("utf-8")
    parquet.write_table(table.replace_schema_metadata({METADATA: whole}), stream, compression="zstd")
    return stream.getvalue()


def _type(name: str) -> str:
    """Of a column: one in which nothing is known shows none itself."""
    if name in ("position", "unsure"):
        return "int32" if name == "position" else "bool"
    number = name in ("start", "end", "confidence") or name.startswith(("p_", "recognised."))
    number = number or name.endswith("_contribution")
    return "float64" if number else "string"
