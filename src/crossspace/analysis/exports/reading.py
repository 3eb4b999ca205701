"""An analysis from a file in which it was saved whole."""

from __future__ import annotations

import json
import re
from pathlib import Path

from crossspace.analysis.analysis import FORMAT, Analysis
from crossspace.analysis.exports.tables import METADATA
from crossspace.errors import DataError
from crossspace.reading import reading

_LARGEST = 200_000_000
"""Bytes. A day of talking is less than a tenth of it."""
_EMBEDDED = re.compile(r'<script type="application/json" id="[^"]*">(.*?)</script>', re.DOTALL)


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
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise DataError(f"{path} should be {expected}. Found JSON of another kind.")
        return Analysis.from_dict(content)


def _whole(path: Path) -> str | bytes:
    ending = path.suffix.lower()
    if ending == ".parquet":
        from pyarrow import parquet

        return (parquet.read_schema(path).metadata or {})[METADATA]
    text = path.read_text(encoding="utf-8")
    if ending == ".html":
        (embedded,) = _EMBEDDED.findall(text)
        return embedded
    return text
