"""SubRip (SRT)."""

from __future__ import annotations

from crossspace.transcripts.format import Format
from crossspace.transcripts.formats.cues import GARBLED, TIMING, blocks_of, paragraphs, transcript_of
from crossspace.transcripts.rolling import Block
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Transcript


def parse_srt(text: str, name: str) -> Transcript:
    """The transcript of an SRT file.

    A paragraph without times goes on with the cue above: some texts have blank lines inside.

    Raises:
        DataError: it holds no utterance.
    """
    blocks: list[Block] = []
    unread: list[str] = []
    alone: list[str] = []
    for number, lines in paragraphs(text):
        before, cues = blocks_of(number, lines)
        if cues and before and before[-1].strip().isdigit():
            before.pop()  # the number of the cue
        garbled = any(GARBLED.search(line) for line in before)
        if garbled or (before and not blocks):
            unread.append(f"line {number}")
        # A number alone is that of a cue whose text is missing, and no text of the cue above.
        elif len(before) == 1 and before[0].strip().isdigit():
            alone.append(f"line {number}")
        elif before:
            blocks[-1].lines += before
        blocks += cues
    notes = [f"{len(unread)} blocks have no times that can be read; left out ({listed(unread)})."] if unread else []
    notes += [f"{len(alone)} numbers stand alone; left out ({listed(alone)})."] if alone else []
    return transcript_of(blocks, name, notes)


# SRT has no sign of its own but its lines of times; WebVTT, whose lines look the same, is recognised before.
SRT = Format("SRT", lambda text: TIMING.search(text) is not None, parse_srt, (".srt",), "in any brackets")
