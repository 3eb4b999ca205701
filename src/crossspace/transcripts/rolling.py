"""Captions that roll: every line is shown again above the next one, or grows word by word, and is said only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from crossspace.transcripts.speakers import plain

_NEAR = 0.5
"""Seconds between two cues of which the second shows again what the first showed."""
_INSTANT = 0.05
"""Seconds of a cue that nobody can read: such are written by programs, to keep a line while the next one is awaited."""


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


@dataclass
class _Shown:
    """What a cue shows: its lines as they stand in the file, and their words."""

    raw: list[str]
    words: list[str]


def unrolled(blocks: Sequence[Block]) -> tuple[list[Block], int]:
    """What is new in each cue with the times of that cue, and how many cues showed a line of the one before again.

    A file rolls where at least half of its cues go on with the one before: they begin with its last lines, or with its
    last line and more words. Otherwise the cues are left as they are, and whoever says ``No.`` twice says it twice.
    """
    shown = [_shown(block) for block in blocks]
    repeats = [0, *(_repeated(blocks[at - 1 : at + 1], shown[at - 1], shown[at]) for at in range(1, len(blocks)))]
    rolls = sum(_goes_on(blocks[at], n, shown[at - 1], shown[at]) for at, n in enumerate(repeats) if n)
    if not rolls or 2 * rolls < len(blocks) - 1:
        return list(blocks), 0
    new: list[Block] = []
    for at, (block, count) in enumerate(zip(blocks, repeats, strict=True)):
        before, now = shown[at - 1], shown[at]
        if count and now.words[count - 1] != before.words[-1]:
            # The last line grew: it is one line still, and lasts longer.
            new[-1].lines[-1], new[-1].end = now.raw[count - 1], block.end
        if now.raw[count:] or not count:
            new.append(Block(block.line, block.start, block.end, now.raw[count:]))
    return new, sum(map(bool, repeats))


def _shown(block: Block) -> _Shown:
    lines = [(line, words) for line in block.lines if (words := plain(line))]
    return _Shown([line for line, _ in lines], [words for _, words in lines])


def _repeated(pair: Sequence[Block], before: _Shown, now: _Shown) -> int:
    """How many lines of a cue were shown by the one before."""
    end, start = pair[0].end, pair[1].start
    if end is None or start is None or start - end > _NEAR:
        return 0
    # Captions have few lines; more are no captions, and would cost the square.
    for count in range(min(len(before.words), len(now.words), 4), 0, -1):
        *same, last = before.words[-count:]
        grown = now.words[count - 1]
        if now.words[: count - 1] == same and (grown == last or grown.startswith(last + " ")):
            return count
    return 0


def _goes_on(block: Block, repeated: int, before: _Shown, now: _Shown) -> bool:
    """Whether a repetition is one of a display and not of a speaker, who would say a line again on its own."""
    instant = block.start is not None and block.end is not None and block.end - block.start <= _INSTANT
    return len(now.words) > repeated or now.words[repeated - 1] != before.words[-1] or instant
