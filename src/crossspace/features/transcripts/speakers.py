"""Who says what in a piece of text: voice tags, ``NAME:`` before a sentence, a dash before each speaker."""

from __future__ import annotations

import html
import re

_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>", re.IGNORECASE)
_MARKUP = re.compile(r"</?[A-Za-z][^<>]*>|<\d[\d:.]*>|\{\\[^{}]*\}")
_DASH = re.compile(r"^\s*(?:[-\u2010-\u2015\u2022]|>>+)\s*(?=\S)")
_PREFIX = re.compile(r"^\s*([^:]{1,40}?)\s*:(?![/\d])\s*")
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
    voices = list(_VOICE.finditer(whole))
    if voices:
        cuts = [voice.start() for voice in voices[1:]] + [len(whole)]
        parts: list[Said] = [(None, whole[: voices[0].start()])]
        parts += [(plain(v.group(1)), whole[v.end() : cut]) for v, cut in zip(voices, cuts, strict=True)]
        said = [(speaker, plain(text)) for speaker, text in parts]
        return [part for part in said if part[1] or part[0]]
    return _by_lines([plain(line) for line in lines])


def plain(text: str) -> str:
    """Text without markup, with entities read and spaces joined."""
    return " ".join(html.unescape(_MARKUP.sub("", text)).split())


def named(line: str, lenient: bool = False) -> Said:
    """``(speaker, text)`` of a line ``NAME: text``; the speaker is ``None`` where the line does not begin with a name.

    A name has at most three words, and each begins with an upper-case letter or a digit, or belongs to a script without
    case; at least one has a letter. Words that open a remark (``Note:``) are no names. ``I said: no`` and ``12:30``
    have none.

    Args:
        line: without markup.
        lenient: names of one word may begin with a lower-case letter.
    """
    match = _PREFIX.match(line)
    if not match or not _is_name(match.group(1), lenient):
        return None, line.strip()
    return match.group(1), line[match.end() :].strip()


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
    dashes = sum(bool(_DASH.match(line)) for line in lines) >= 2
    said: list[Said] = []
    for line in lines:
        dash = _DASH.match(line)
        speaker, text = named(line[dash.end() :] if dash else line)
        if not said or speaker is not None or (dash and dashes):
            said.append((speaker, text))
        else:
            said[-1] = (said[-1][0], f"{said[-1][1]} {line}".strip())
    return said
