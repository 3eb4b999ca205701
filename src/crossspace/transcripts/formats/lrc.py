"""LRC: lines with the time of their beginning, as those of songs."""

from __future__ import annotations

import re

from crossspace.transcripts.clock import seconds
from crossspace.transcripts.format import Format
from crossspace.transcripts.formats.cues import Block, transcript_of
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Transcript

_STAMP = re.compile(r"\s*\[(\d{1,4}:\d{1,2}(?:\.\d{1,3})?)\]")
_TAGS = "ti|ar|al|au|by|re|ve|la|lr|length|offset|tool"
_TAG = re.compile(rf"\s*\[({_TAGS}|#):?([^\]\n]{{0,1000}})\]\s*", re.I)
_WORD = re.compile(r"<\d{1,4}:\d{1,2}(?:\.\d{1,3})?>")
# Minutes and seconds in brackets are also how people write. Programs write tags, or two digits of each and hundredths.
_SIGN = re.compile(rf"\ufeff?\s*(?:\[(?:{_TAGS}):[^\]\n]*\]|\[\d{{2,4}}:\d{{2}}\.\d{{2,3}}\])", re.I)


def parse_lrc(text: str, name: str) -> Transcript:
    """The transcript of an LRC file: a line ends where the next begins, and one without words ends that before it.

    Raises:
        DataError: it holds no utterance.
    """
    moments, other = list[tuple[float, int, str]](), list[str]()
    shift = 0.0
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        starts, at = list[float](), 0
        while match := _STAMP.match(line, at):
            starts += [time for time in [seconds(match.group(1))] if time is not None]
            at = match.end()
        tag = _TAG.fullmatch(line)
        if tag and tag.group(1).lower() == "offset":
            # Milliseconds by which the words come earlier.
            shift = seconds(tag.group(2), 1000) or 0.0
        other += [f"line {number}"] if line.strip() and not starts and not tag else []
        moments += [(start, number, _WORD.sub(" ", line[at:]).strip()) for start in starts]
    moments.sort(key=lambda moment: moment[0])
    ends = [*(start for start, _, _ in moments[1:]), None][: len(moments)]
    blocks = [
        Block(number, max(0.0, start - shift), None if end is None else max(0.0, end - shift), [said])
        for (start, number, said), end in zip(moments, ends, strict=True)
        if said
    ]
    notes = [f"{len(other)} lines have no time; left out ({listed(other)})."] if other else []
    return transcript_of(blocks, name, notes)


LRC = Format("LRC", lambda text: _SIGN.match(text) is not None, parse_lrc, (".lrc",))
