"""WebVTT, with voice tags."""

from __future__ import annotations

import re
from html import escape

from crossspace.transcripts.format import Format
from crossspace.transcripts.formats.cues import blocks_of, paragraphs, transcript_of
from crossspace.transcripts.rolling import Block
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Transcript

_NOT_SPOKEN = re.compile(r"\ufeff?(?:WEBVTT|NOTE|STYLE|REGION|X-TIMESTAMP-MAP=[^\n]*)(?:\s|$)")

_NAMED = re.compile(r'\d{1,9} "([^"]{1,80})" \(\d{1,20}\)')
"""The name of a cue that Webex writes: its number, who speaks, and their number."""


def parse_vtt(text: str, name: str) -> Transcript:
    """The transcript of a WebVTT file. Comments and styles are skipped; cues whose times cannot be read are noted.

    Raises:
        DataError: it holds no utterance.
    """
    blocks: list[Block] = []
    unread: list[str] = []
    for number, lines in paragraphs(text, strict=True):
        before, cues = blocks_of(number, lines)
        # Before its times a cue has one line at most, its name.
        if not _NOT_SPOKEN.match(lines[0]) and (not cues or len(before) > 1):
            unread.append(f"line {number}")
        if cues and cues[0].lines and before and (match := _NAMED.fullmatch(before[-1].strip())):
            cues[0].lines[0] = f"<v {escape(match.group(1))}>{cues[0].lines[0]}"
        blocks += cues
    notes = [f"{len(unread)} blocks have no line of times; left out ({listed(unread)})."] if unread else []
    return transcript_of(blocks, name, notes)


VTT = Format("WebVTT", lambda text: text.lstrip().startswith("WEBVTT"), parse_vtt, (".vtt",), "in any brackets")
