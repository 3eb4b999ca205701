"""SBV (SubViewer as YouTube writes it): a line of two times, then the words."""

from __future__ import annotations

import re

from crossspace.transcripts.clock import seconds
from crossspace.transcripts.format import Format
from crossspace.transcripts.formats.cues import Block, transcript_of
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Transcript

_TIME = r"\d{1,4}:\d{1,2}:\d{1,2}\.\d{1,6}"
_TIMING = re.compile(rf"({_TIME}),[^\S\n]*({_TIME})[^\S\n]*(?:\n|$)")
_DAMAGED = re.compile(r"[\d:.,;\s]{7,60}")
"""Nothing but numbers and what parts them: a line that was to be one of times."""
_SIGN = re.compile(rf"\ufeff?\s*{_TIMING.pattern}")


def parse_sbv(text: str, name: str) -> Transcript:
    """The transcript of an SBV file; names are found as in other captions.

    Raises:
        DataError: it holds no utterance.
    """
    blocks, before, damaged = list[Block](), list[str](), list[str]()
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        if match := _TIMING.fullmatch(line.strip()):
            blocks.append(Block(number, seconds(match.group(1)), seconds(match.group(2))))
        elif _DAMAGED.fullmatch(line.strip()) and line.count(":") > 1:
            blocks.append(Block(number, None, None))
            damaged.append(f"line {number}")
        elif blocks:
            # Two speakers of a cue are told apart by an empty line at times: what follows goes on with it.
            blocks[-1].lines += [line] if line.strip() else []
        elif line.strip():
            before.append(f"line {number}")
    notes = [f"{len(before)} lines stand before the first times; left out ({listed(before)})."] if before else []
    if damaged:
        notes.append(f"{len(damaged)} lines of times cannot be read; the words below have none ({listed(damaged)}).")
    return transcript_of(blocks, name, notes)


SBV = Format("SBV", lambda text: _SIGN.match(text) is not None, parse_sbv, (".sbv",), "in any brackets")
