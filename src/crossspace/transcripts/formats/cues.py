"""The blocks of WebVTT and SRT: a line of times and the lines of text below it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from crossspace.transcripts.clock import seconds
from crossspace.transcripts.speakers import said_in
from crossspace.transcripts.tidy import Entries
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue

_TIME = r"(?:\d{1,4}:)?\d{1,2}:\d{1,2}(?:[.,]\d{1,6})?"
_GAP = r"[^\S\n]*"
TIMING = re.compile(rf"^{_GAP}({_TIME}){_GAP}-->{_GAP}({_TIME})(?=\s|$)", re.MULTILINE)
"""The line of times of a cue; what follows on the line says how to show it. Nothing in it runs over the end of a line,
or each of many empty lines would be looked through from every other."""


@dataclass
class Block:
    """A cue as it stands in the file.

    Attributes:
        line: of its times, from 1.
        start, end: seconds.
        lines: of its text.
    """

    line: int
    start: float | None
    end: float | None
    lines: list[str] = field(default_factory=list)

    def cues(self) -> list[Cue]:
        """One utterance per speaker; they share the times."""
        # Nothing said is an empty utterance: that it was left out is then noted with its line.
        said = said_in(self.lines) or [(None, "")]
        return [Cue(text, speaker or UNKNOWN_SPEAKER, self.start, self.end) for speaker, text in said]


def entries_of(blocks: Sequence[Block], name: str) -> Entries:
    """What is said in the blocks of a file.

    Raises:
        DataError: that is more than a transcript may hold.
    """
    entries = Entries(name)
    for block in blocks:
        for cue in block.cues():
            entries.add(f"line {block.line}", cue)
    return entries


def paragraphs(text: str) -> Iterator[tuple[int, list[str]]]:
    """``(number of its first line, lines)`` of each group of lines between blank lines."""
    first, lines = 0, list[str]()
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            first = first if lines else number
            lines.append(line)
        elif lines:
            yield first, lines
            lines = []
    if lines:
        yield first, lines


def blocks_of(number: int, lines: list[str]) -> tuple[list[str], list[Block]]:
    """What stands before the first line of times in a paragraph, and its cues: more than one where blank lines lack."""
    before: list[str] = []
    blocks: list[Block] = []
    for offset, line in enumerate(lines):
        match = TIMING.match(line)
        if match:
            if blocks and blocks[-1].lines and blocks[-1].lines[-1].strip().isdigit():
                blocks[-1].lines.pop()  # the number of this cue
            blocks.append(Block(number + offset, seconds(match.group(1)), seconds(match.group(2))))
        elif blocks:
            blocks[-1].lines.append(line)
        else:
            before.append(line)
    return before, blocks
