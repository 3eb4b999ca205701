"""Who says what in a piece of text: voice tags, ``NAME:`` before a sentence, a dash before each speaker."""

from __future__ import annotations

import html
import re
from itertools import islice

from crossspace.transcripts.bounds import MOST_ENTRIES
from crossspace.transcripts.spaces import joined

# Every expression takes time in proportion to the text: no two neighbouring parts can share a run of characters, and
# what begins with a sign ends where the sign comes again.
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s([^<>]*)>", re.IGNORECASE)
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}")
_DASH = re.compile(r"^\s*(?:[-\u2010-\u2015\u2022]|>>+)\s*(?=\S)")
_ENTITY = re.compile(r"&#([0-9]{8,})")
"""A character by a number of more digits than there are characters; Python reads no integers of thousands of them."""
_LONGEST_NAME = 40
_NO_NAMES = {
    "note",
    "notes",
    "warning",
    "remember",
    "example",
    "ps",
    "update",
    "answer",
    "question",
    "result",
    "fact",
    "tip",
}

Said = tuple[str | None, str]
"""A speaker, ``None`` where none is named, and what they say."""


def said_in(lines: list[str]) -> list[Said]:
    """Who says what in the lines of one cue; several speakers give several utterances.

    ``<v NAME>`` names the speaker of what follows. Without voice tags a speaker begins at a line with ``NAME:`` in
    front, and at each line with a dash where two or more lines have one. Other lines go on with what was said before.
    Markup is stripped, entities are read.
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
    return _by_lines([plain(line) for line in lines])


def plain(text: str) -> str:
    """Text without markup, with entities read and spaces joined."""
    # Eight digits are beyond any character already: unescape makes of them what it makes of every such number.
    text = _ENTITY.sub(lambda match: "&#" + (match.group(1).lstrip("0")[:8] or "0"), _MARKUP.sub("", text))
    return joined(html.unescape(text))


def named(line: str, lenient: bool = False) -> Said:
    """``(speaker, text)`` of a line ``NAME: text``; the speaker is ``None`` where the line does not begin with a name.

    A name has at most three words, and each begins with an upper-case letter or a digit, or belongs to a script without
    case; at least one has a letter. Words that open a remark (``Note:``) are no names. ``I said: no`` and ``12:30``
    have none.

    Args:
        line: without markup.
        lenient: names of one word may begin with a lower-case letter.
    """
    colon = line.find(":")
    name = line[:colon].strip() if colon > 0 else ""
    following = line[colon + 1 : colon + 2]
    # After the colon of http:// comes a slash, after that of 12:30 a digit.
    if not 0 < len(name) <= _LONGEST_NAME or following == "/" or following.isdecimal() or not _is_name(name, lenient):
        return None, line.strip()
    return name, line[colon + 1 :].strip()


def _is_name(prefix: str, lenient: bool) -> bool:
    words = prefix.split()
    if not 1 <= len(words) <= 3 or not any(c.isalpha() for c in prefix) or prefix.lower() in _NO_NAMES:
        return False
    if any(c in prefix for c in '?!,;"<>') or prefix.endswith("."):
        return False
    return (lenient and len(words) == 1) or all(
        word.lstrip("([")[:1].upper() == word.lstrip("([")[:1] for word in words
    )


def _by_lines(lines: list[str]) -> list[Said]:
    # A single dash is a dash; where two lines have one, they are the turns of a dialogue.
    dashes = sum(bool(_DASH.match(line)) for line in lines) >= 2
    said: list[tuple[str | None, list[str]]] = []
    for line in lines:
        dash = _DASH.match(line)
        speaker, text = named(line[dash.end() :] if dash else line)
        if not said or speaker is not None or (dash and dashes):
            said.append((speaker, [text]))
        else:
            said[-1][1].append(line)
    return [(speaker, " ".join(parts).strip()) for speaker, parts in said]
