"""An analysis in the formats people work with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from crossspace.analysis.analysis import Analysis
from crossspace.analysis.exports.tables import to_csv, to_json, to_parquet
from crossspace.analysis.exports.timed import KINDS, to_eaf, to_rttm, to_srt, to_textgrid, to_vtt, unsaid
from crossspace.analysis.html import to_html
from crossspace.transcripts.tidy import CONTROLS
from crossspace.transcripts.writers import ending_among

_CAPTIONS: dict[str, Callable[[Analysis, bool], str]] = {".vtt": to_vtt, ".srt": to_srt}
_TEXTS: dict[str, Callable[[Analysis], str]] = {
    ".json": to_json,
    ".csv": to_csv,
    ".html": to_html,
    ".eaf": to_eaf,
    ".TextGrid": to_textgrid,
    ".rttm": to_rttm,
}


# Imported when they are asked for: drawing takes long to load.
def _to_pdf(analysis: Analysis) -> bytes:
    from crossspace.analysis.exports.summary import to_pdf

    return to_pdf(analysis)


def _to_png(analysis: Analysis) -> bytes:
    from crossspace.analysis.exports.summary import to_png

    return to_png(analysis)


_BYTES: dict[str, Callable[[Analysis], bytes]] = {".parquet": to_parquet, ".pdf": _to_pdf, ".png": _to_png}
FORMATS = (*_TEXTS, *_CAPTIONS, *_BYTES)
"""File endings that say how an analysis is written."""
_READ_BACK = (".json", ".html")


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
    ending, analysis = ending_of(path), _encodable(analysis)
    if ending in _BYTES:
        return _BYTES[ending](analysis)
    text = _CAPTIONS[ending](analysis, labels) if ending in _CAPTIONS else _TEXTS[ending](analysis)
    # Programs take a file with codes in it for no text. Where an analysis is read back they are kept, in JSON.
    return (text if ending in _READ_BACK else text.translate(CONTROLS)).encode("utf-8")


def lost_in(analysis: Analysis, path: str | Path) -> list[str]:
    """Sentences on what the format that a path names has no place for, of the times of an analysis."""
    ending = ending_of(path)
    return unsaid(analysis, ending) if ending in KINDS else []


def _encodable(analysis: Analysis) -> Analysis:
    """The analysis, in which halves of characters, which UTF-8 cannot carry, become question marks."""
    whole = json.dumps(analysis.to_dict(), ensure_ascii=False)
    try:
        whole.encode("utf-8")
    except UnicodeEncodeError:
        return Analysis.from_dict(json.loads(whole.encode("utf-8", "replace")))
    return analysis


def ending_of(path: str | Path) -> str:
    """Which of :data:`FORMATS` the path ends in.

    Raises:
        UsageError: none.
    """
    return ending_among(path, FORMATS, "--out should end")
