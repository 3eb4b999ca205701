"""An analysis in the formats people work with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from crossspace.analysis.analysis import Analysis
from crossspace.analysis.exports.tables import to_csv, to_json, to_parquet
from crossspace.analysis.exports.timed import to_eaf, to_rttm, to_srt, to_textgrid, to_vtt
from crossspace.analysis.html import to_html
from crossspace.errors import UsageError

_CAPTIONS: dict[str, Callable[[Analysis, bool], str]] = {".vtt": to_vtt, ".srt": to_srt}
_TEXTS: dict[str, Callable[[Analysis], str]] = {
    ".json": to_json,
    ".csv": to_csv,
    ".html": to_html,
    ".eaf": to_eaf,
    ".TextGrid": to_textgrid,
    ".rttm": to_rttm,
}


def _summary(kind: str) -> Callable[[Analysis], bytes]:
    def write(analysis: Analysis) -> bytes:
        # Imported when it is asked for: drawing takes long to load.
        from crossspace.analysis.exports import summary

        return summary.to_pdf(analysis) if kind == "pdf" else summary.to_png(analysis)

    return write


_BYTES: dict[str, Callable[[Analysis], bytes]] = {
    ".parquet": to_parquet,
    ".pdf": _summary("pdf"),
    ".png": _summary("png"),
}
FORMATS = (*_TEXTS, *_CAPTIONS, *_BYTES)
"""File endings that say how an analysis is written."""


def render(analysis: Analysis, path: str | Path, labels: bool = False) -> bytes:
    """An analysis in the format that the ending of a path names, in upper or lower case; texts are in UTF-8.

    Args:
        analysis: of a conversation.
        path: of the file that is to be written.
        labels: in captions, write emotion and confidence behind the words.

    Raises:
        UsageError: there is no such format.
        DataError: the format needs times, and no utterance has any.
    """
    ending = ending_of(path)
    if ending in _BYTES:
        return _BYTES[ending](analysis)
    text = _CAPTIONS[ending](analysis, labels) if ending in _CAPTIONS else _TEXTS[ending](analysis)
    # Halves of characters, which clients can send and UTF-8 cannot carry, become question marks.
    return text.encode("utf-8", "replace")


def ending_of(path: str | Path) -> str:
    """Which of :data:`FORMATS` the path ends in.

    Raises:
        UsageError: none.
    """
    ending = next((one for one in FORMATS if one.lower() == Path(path).suffix.lower()), None)
    if ending is None:
        raise UsageError(f"--out should end in {', '.join(FORMATS)}. Found {str(path)!r}.")
    return ending
