"""Formats of transcripts, one file each."""

from __future__ import annotations

from crossspace.errors import DataError
from crossspace.transcripts.format import Format
from crossspace.transcripts.formats.ass import ASS
from crossspace.transcripts.formats.chat import CHAT
from crossspace.transcripts.formats.eaf import EAF
from crossspace.transcripts.formats.emo_evaluation import EMO_EVALUATION
from crossspace.transcripts.formats.headed import HEADED
from crossspace.transcripts.formats.iemocap import IEMOCAP
from crossspace.transcripts.formats.json_file import JSON
from crossspace.transcripts.formats.lines import LINES
from crossspace.transcripts.formats.lrc import LRC
from crossspace.transcripts.formats.messages import MESSAGES
from crossspace.transcripts.formats.microdvd import MICRODVD
from crossspace.transcripts.formats.rttm import RTTM
from crossspace.transcripts.formats.sbv import SBV
from crossspace.transcripts.formats.screenplay import SCREENPLAY
from crossspace.transcripts.formats.srt import SRT
from crossspace.transcripts.formats.stamped import STAMPED
from crossspace.transcripts.formats.table import TABLE
from crossspace.transcripts.formats.textgrid import TEXTGRID
from crossspace.transcripts.formats.ttml import TTML
from crossspace.transcripts.formats.vtt import VTT
from crossspace.transcripts.seeming import seems

_OF_PROGRAMS = (
    *(VTT, EAF, TTML, TEXTGRID, CHAT, RTTM, ASS, MICRODVD, EMO_EVALUATION, LRC, SBV),
    *(JSON, SRT, TABLE, IEMOCAP),
)
_OF_LINES = (MESSAGES, HEADED, STAMPED, SCREENPLAY)
"""Formats of which much else has the sign at times: a log has times, and a program has lines of capitals."""
FORMATS: tuple[Format, ...] = (*_OF_PROGRAMS, *_OF_LINES)
"""In the order in which their signs are looked for: those that nothing else has come first."""


def format_of(text: str, name: str, ending: str = "") -> Format:
    """The format of a text, by its content; where that says nothing, by the ending of its name; else plain lines.

    Raises:
        DataError: it has the sign of none.
    """
    known = next((kind for kind in _OF_PROGRAMS if kind.sign(text)), None)
    known = known or next((kind for kind in _OF_PROGRAMS if ending in kind.endings), None)
    # Nearly any text can be speech, so that plain lines come last, and what is known to be none before.
    if known is None and LINES.sign(text):
        known = next((kind for kind in _OF_LINES if kind.sign(text)), LINES)
    if known is None:
        kinds = ", ".join(kind.name for kind in (*FORMATS, LINES))
        raise DataError(
            f"{name} should be a transcript ({kinds}). Found {seems(text)}. Save it in one of these, or as plain text."
        )
    return known
