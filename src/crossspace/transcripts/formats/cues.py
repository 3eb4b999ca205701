"""The blocks of WebVTT and SRT: a line of times and the lines of text below it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from crossspace.transcripts.bounds import MOST_ENTRIES, too_many_entries
from crossspace.transcripts.clock import seconds
from crossspace.transcripts.names import names_in
from crossspace.transcripts.rolling import Block, unrolled
from crossspace.transcripts.sounds import is_sound
from crossspace.transcripts.speakers import has_voices, plain, said_in, turns
from crossspace.transcripts.tidy import Entries, tidied
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

__all__ = ["GARBLED", "TIMING", "Block", "blocks_of", "entries_of", "moment", "paragraphs", "transcript_of"]

# Colons and commas may be the wide ones, with a space beside them; the arrow may be any that somebody typed. No two
# neighbours share more than one character, and nothing runs over the end of a line: each of many empty lines would be
# looked through from every other.
_COLON = r" ?[:\uff1a\ufe55] ?"
_TIME = rf"(?:\d{{1,4}}{_COLON})?\d{{1,2}}{_COLON}\d{{1,2}}(?: ?[.,:\uff0c\uff0e\uff1a] ?\d{{1,6}})?"
_ARROW = r"(?:[-\u2010-\u2015\u2212=]{1,4} ?(?:>|&gt;|\uff1e){1,2}|[\u2192\u21d2\u27f6])"
_GAP = r"[^\S\n]*"
TIMING = re.compile(rf"^{_GAP}({_TIME}){_GAP}{_ARROW}{_GAP}({_TIME})(?=\s|$)", re.MULTILINE)
"""The line of times of a cue; what follows on the line says how to show it, or is its text."""
GARBLED = re.compile(
    rf"-->|^{_GAP}{_TIME}{_GAP}{_ARROW}|{_ARROW}{_GAP}{_TIME}{_GAP}$|^{_GAP}{_TIME}{_GAP}[,;|-]?{_GAP}{_TIME}{_GAP}$"
)
"""A line that was to be one of times."""
_SETTING = re.compile(r"(?:[XY][12]|align|position|line|size|vertical|region):", re.IGNORECASE)
_PARTS = re.compile(r"\D+")


def moment(written: str) -> float | None:
    """Seconds of a time of :data:`TIMING`: ``00：00：01，5`` and ``00:00:01:500`` are times as well."""
    numbers = _PARTS.split(written)
    colons = not any(sign in written for sign in ".,\uff0c\uff0e")
    # Four numbers between colons end with milliseconds, or with a frame, of which a second has nobody knows how many.
    if colons and len(numbers) == 4 and len(numbers[-1]) < 3:
        numbers.pop()
    elif not colons or len(numbers) == 4:
        return seconds(":".join(numbers[:-1]) + "." + numbers[-1])
    return seconds(":".join(numbers))


def transcript_of(blocks: Sequence[Block], name: str, notes: Sequence[str] = ()) -> Transcript:
    """What is said in the blocks of a file: captions that roll are joined, names are judged by all of the file.

    Raises:
        DataError: nothing is said in them, or that is more than a transcript may hold.
    """
    if len(blocks) > MOST_ENTRIES:
        raise too_many_entries(name)
    new, repeats = unrolled(blocks)
    if repeats:
        rolled = f"{repeats} of {len(blocks)} cues show lines of the one before again, as captions do that roll"
        notes = [*notes, f"{rolled}; every line is kept once, with the times of the cue in which it was new."]
    entries = entries_of(new, name)
    return tidied(entries, name, notes)


def entries_of(blocks: Sequence[Block], name: str) -> Entries:
    """What is said in the blocks of a file, one entry per speaker of a block; they share its times.

    Raises:
        DataError: that is more than a transcript may hold.
    """
    names = names_in(_evidence(blocks))
    entries = Entries(name)
    for block in blocks:
        # Nothing said is an empty utterance: that it was left out is then noted with its line.
        for speaker, text in said_in(block.lines, names) or [(None, "")]:
            entries.add(f"line {block.line}", Cue(text, speaker or UNKNOWN_SPEAKER, block.start, block.end))
    return entries


def _evidence(blocks: Sequence[Block]) -> Iterator[list[str]]:
    """The lines of the cues in which somebody speaks and no tag says who."""
    for block in blocks:
        if not has_voices(block.lines):
            lines = turns([plain(line) for line in block.lines])
            if lines and not is_sound(" ".join(lines)):
                yield lines


def paragraphs(text: str, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """``(number of its first line, lines)`` of each group of lines between blank lines.

    Args:
        text: of the file.
        strict: only an empty line is a blank one, and not one of spaces.
    """
    first, lines = 0, list[str]()
    for number, line in enumerate(text.split("\n"), start=1):
        if line if strict else line.strip():
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
        if match := TIMING.match(line):
            if blocks:
                _without_id(blocks[-1].lines)
            text = line[match.end() :].strip()
            said = [text] if text and not _SETTING.match(text) else []
            blocks.append(Block(number + offset, moment(match.group(1)), moment(match.group(2)), said))
        elif blocks:
            blocks[-1].lines.append(line)
        else:
            before.append(line)
    return before, blocks


def _without_id(lines: list[str]) -> None:
    """Take the number of the next cue from the lines of a cue, or what stands alone behind a line of spaces."""
    if lines and (lines[-1].strip().isdigit() or (len(lines) > 1 and not lines[-2].strip())):
        lines.pop()
