"""The blocks of WebVTT and SRT: a line of times and the lines of text below it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from crossspace.features.transcripts.clock import seconds
from crossspace.features.transcripts.speakers import said_in
from crossspace.features.transcripts.tidy import Entry
from crossspace.features.transcripts.transcript import UNKNOWN_SPEAKER, Cue

_TIME = r"(?:\d{1,4}:)?\d{1,2}:\d{1,2}(?:[.,]\d{1,6})?"
TIMING = re.compile(rf"^\s*({_TIME})\s*-->\s*({_TIME})(?=\s|$)", re.MULTILINE)
"""The line of times of a cue; what follows on the line says how to show it."""


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

    def entries(self) -> list[Entry]:
        """One entry per speaker; they share the times."""
        said = said_in(self.lines) or [(None, "")]
        return [
            Entry(f"line {self.line}", Cue(text, speaker or UNKNOWN_SPEAKER, self.start, self.end))
            for speaker, text in said
        ]


def paragraphs(text: str) -> list[tuple[int, list[str]]]:
    """``(number of its first line, lines)`` of each group of lines between blank lines."""
    found: list[tuple[int, list[str]]] = []
    fresh = True
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            fresh = True
        elif fresh:
            found.append((number, [line]))
            fresh = False
        else:
            found[-1][1].append(line)
    return found


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
