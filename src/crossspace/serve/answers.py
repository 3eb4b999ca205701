"""An analysis as the body of an answer, in the format that was asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from fastapi import Response

from crossspace.analysis.analysis import Analysis
from crossspace.analysis.exports import render
from crossspace.serve.refusal import without_paths

Format = Literal["json", "csv", "html", "vtt", "srt", "eaf", "TextGrid", "rttm", "parquet", "pdf", "png"]

_TYPES = {
    "csv": "text/csv",
    "html": "text/html",
    "vtt": "text/vtt",
    "srt": "application/x-subrip",
    "eaf": "application/xml",
    "TextGrid": "text/plain",
    "rttm": "text/plain",
    "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
    "png": "image/png",
}


def answer_with(analysis: Analysis, format: Format, names: Mapping[str, str], labels: bool = False) -> Response:
    """The answer; all but JSON comes as a file to keep, which a browser does not show as a page of this server.

    Raises:
        DataError: a format that needs times is asked for, and no utterance has any.
    """
    if format == "json":
        return Response(as_json(analysis.to_dict(), names), media_type="application/json")
    # Before it is written: in a format of bytes nothing can be replaced.
    analysis = replace(
        analysis,
        media=json.loads(without_paths(json.dumps(analysis.media), names)),
        notes=tuple(without_paths(note, names) for note in analysis.notes),
    )
    return as_file(render(analysis, f"analysis.{format}", labels), format)


def as_file(content: bytes, format: Format) -> Response:
    """An answer to keep."""
    # HTML of a transcript shown under this address would act for this server.
    headers = {"Content-Disposition": f'attachment; filename="analysis.{format}"'}
    return Response(content, media_type=_TYPES.get(format, "application/json"), headers=headers)


def as_json(content: Any, names: Mapping[str, str]) -> bytes:
    """JSON in UTF-8 without paths of the server; lone surrogates, which UTF-8 cannot carry, become question marks."""
    # NaN is no JSON; browsers refuse the whole answer.
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    return without_paths(text, names).encode("utf-8", "replace")


def documented(answer: type) -> dict[int | str, dict[str, Any]]:
    """The documentation of an answer in all formats."""
    return {200: {**files()[200], "model": answer}}


def files() -> dict[int | str, dict[str, Any]]:
    """The documentation of an answer that is a file in any of the formats."""
    content = {kind: {"schema": {"type": "string"}} for kind in _TYPES.values()}
    return {200: {"content": content, "description": "the analysis, in the format asked for"}}
