"""An analysis from a file in which it was saved whole."""

from __future__ import annotations

import json
import math
from pathlib import Path

from crossspace.analysis.analysis import FORMAT, Analysis, UtteranceAnalysis
from crossspace.analysis.exports.tables import METADATA
from crossspace.errors import DataError
from crossspace.reading import check_format, reading

_LARGEST = 200_000_000
"""Bytes. A day of talking is less than a tenth of it."""
_OPENS, _CLOSES = '<script type="application/json" id="analysis">', "</script>"
"""Around the analysis in a page."""


def read_analysis(path: Path) -> Analysis:
    """An analysis from JSON, Parquet or HTML.

    Raises:
        DataError: the file is none of them, or not what crossspace has written.
    """
    expected = "an analysis that crossspace has saved in .json, .parquet or .html"
    with reading(path, expected, "Save the analysis again"):
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path} should have at most {_LARGEST:,} bytes. Found {path.stat().st_size:,}.")
        content = json.loads(_whole(path))
        if isinstance(content, dict) and "labels" in content:
            check_format(content.get("format"), FORMAT, f"{path} (an analysis)")
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise DataError(f"{path} should be {expected}. Found JSON of another kind.")
        analysis = Analysis.from_dict(content)
        below = analysis.model.get("unsure_below")
        if below is not None and not (_is_number(below) and 0 <= below <= 1):
            raise DataError(
                f"{path} should say below which confidence from 0 to 1 the model is unsure. Found {below!r}."
            )
        for place, one in enumerate(analysis.utterances):
            if fault := _fault(one, set(analysis.labels)):
                raise DataError(f"{path}, utterance {place + 1}, should have {fault}. Save the analysis again.")
        return analysis


def _whole(path: Path) -> str | bytes:
    ending = path.suffix.lower()
    if ending == ".parquet":
        from pyarrow import parquet

        return (parquet.read_schema(path).metadata or {})[METADATA]
    text = path.read_text(encoding="utf-8")
    if ending == ".html":
        begin = text.index(_OPENS) + len(_OPENS)
        return text[begin : text.index(_CLOSES, begin)]
    return text


def _fault(one: UtteranceAnalysis, labels: set[str]) -> str | None:
    """What an utterance should have and has not; a file may come from elsewhere, or from an editor."""
    if not (isinstance(one.id, str) and isinstance(one.speaker, str) and isinstance(one.text, str | None)):
        return "an id, a speaker and a text that are words"
    if not {one.label, one.emotion} <= labels or set(one.probabilities) != labels:
        return f"labels among {sorted(labels)}, and a probability of each"
    if not all(_is_number(value) and 0 <= value <= 1 for value in (one.confidence, *one.probabilities.values())):
        return "a confidence and probabilities from 0 to 1"
    if not all(time is None or _is_number(time) for time in (one.start, one.end)):
        return "times in seconds, or none"
    return None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
