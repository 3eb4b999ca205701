"""Who says what in a piece of text: voice tags, ``NAME:`` before a sentence, a dash or arrows before each speaker."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from itertools import islice, pairwise

from crossspace.transcripts.bounds import MOST_ENTRIES
from crossspace.transcripts.names import TURN, Names, Said, bare, named, names_in
from crossspace.transcripts.spaces import joined

__all__ = ["Said", "has_voices", "named", "plain", "said_in", "turns"]

# Every expression takes time in proportion to the text: no two neighbouring parts can share a run of characters, and
# what begins with a sign ends where the sign comes again.
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s([^<>]*)>", re.IGNORECASE)
_MARKUP = re.compile(r"<(/?)([A-Za-z][^\s<>/=]*)((?:[\s/=][^<>]*)?)>|<\d[\d:.]*>|\{\\[^{}]*\}")
_WITH_VALUE = ("v", "lang", "font", "c")
"""Tags behind whose name stands a value that is none of attributes; ``a <b and c> d`` is no tag."""
_ARROWS = re.compile(r">>+")
_ENTITY = re.compile(r"&#([0-9]{8,})")
"""A character by a number of more digits than there are characters; Python reads no integers of thousands of them."""


def has_voices(lines: Sequence[str]) -> bool:
    """Whether tags say who speaks, so that colons need not."""
    return any(_VOICE.search(line) for line in lines)


def said_in(lines: Sequence[str], names: Names | None = None) -> list[Said]:
    """Who says what in the lines of one cue; several speakers give several utterances.

    ``<v NAME>`` names the speaker of what follows. Without voice tags a speaker begins at a line with ``NAME:`` in
    front, at arrows (``>>``), and at each line with a dash where two or more lines have one. Other lines go on with
    what was said before. Markup is stripped, entities are read.

    Args:
        lines: of the cue.
        names: of its file; those in the lines themselves if not given.
    """
    whole = "\n".join(lines)
    # One more than allowed is enough to be refused later; a file of nothing but tags is not gone through.
    voices = list(islice(_VOICE.finditer(whole), MOST_ENTRIES + 1))
    if voices:
        cuts = [voice.start() for voice in voices[1:]] + [len(whole)]
        parts: list[Said] = [(None, whole[: voices[0].start()])]
        parts += [(plain(v.group(1)), whole[v.end() : cut]) for v, cut in zip(voices, cuts, strict=True)]
        said = [(speaker, plain(text)) for speaker, text in parts]
        return [part for part in said if part[1] or part[0]]
    cleaned = turns([plain(line) for line in lines])
    return _by_lines(cleaned, names_in([cleaned]) if names is None else names)


def plain(text: str) -> str:
    """Text without markup, with entities read and spaces joined."""
    # Eight digits are beyond any character already: unescape makes of them what it makes of every such number.
    text = _ENTITY.sub(lambda match: "&#" + (match.group(1).lstrip("0")[:8] or "0"), _MARKUP.sub(_unmarked, text))
    return joined(html.unescape(text))


def _unmarked(match: re.Match[str]) -> str:
    """Nothing where it is markup; what somebody wrote between signs of less and more stays."""
    closing, name, rest = match.groups()
    if name is None or closing or "=" in rest or not rest.strip(" /\n") or name.split(".")[0].lower() in _WITH_VALUE:
        return ""
    return match.group()


def turns(lines: Sequence[str]) -> list[str]:
    """Lines without markup and with words, cut where arrows inside of one say that another speaks."""
    return [part for line in lines for part in (_cut(line) if ">>" in line else [line]) if part]


def _cut(line: str) -> list[str]:
    # Arrows that stand last announce a speaker who is not there.
    line = line.rstrip("> ") if line.rstrip().endswith(">>") else line
    at = [match.start() for match in islice(_ARROWS.finditer(line), MOST_ENTRIES + 1)]
    cuts = sorted({0, *at, len(line)})
    return [part for begin, end in pairwise(cuts) if (part := line[begin:end].strip())]


def _by_lines(lines: Sequence[str], names: Names) -> list[Said]:
    # A single dash is a dash; where two lines have one, they are the turns of a dialogue.
    marks = [TURN.match(line) for line in lines]
    dashes = sum(mark is not None for mark in marks) >= 2
    said: list[tuple[str | None, list[str]]] = []
    if names.above and len(lines) > 1:
        said.append((bare(lines[0]), []))
        lines, marks = lines[1:], marks[1:]
    for line, mark in zip(lines, marks, strict=True):
        speaker, text = names.split(line[mark.end() :] if mark else line)
        if not said or speaker is not None or (mark and (dashes or ">>" in mark.group())):
            said.append((speaker, [text]))
        else:
            said[-1][1].append(line)
    return [(speaker, " ".join(parts).strip()) for speaker, parts in said]
