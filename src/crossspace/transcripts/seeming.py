"""What a file that is no transcript seems to be."""

from __future__ import annotations

import re

from crossspace.transcripts.names import named

_HEAD = 4096
_TAG = re.compile(r"\s*<[A-Za-z!?/][^<>]*>")
"""At the beginning of a line; inside of one a person may have written it."""
_SEEN = (
    (re.compile(r"\s*<!doctype html|\s*<html", re.IGNORECASE), "a web page (HTML)"),
    (re.compile(r"\{\\rtf"), "an RTF document"),
    (re.compile(r"%PDF-"), "a PDF document"),
    (
        re.compile(r"\s*(?:<\?xml[^<>]*>\s*)?(?:<!--.*?-->\s*)*<([A-Za-z][\w:.-]*)", re.DOTALL),
        "XML that begins with <{}>",
    ),
    (re.compile(r"#!|#include"), "a program"),
)

_FIELD = re.compile(r"\s*(?:\[[^\]\n]{1,80}\]\s*$|[\w.\[\] -]{1,60}=\s*\S|[{}();]+\s*$|\\[a-z]+)")
"""A line of settings: a section, ``name = value``, brackets of a program, a command of a document."""


def seems(text: str) -> str:
    """What a text seems to be, in words that end a sentence."""
    head = text[:_HEAD]
    if not head.strip():
        return "nothing"
    for sign, words in _SEEN:
        if match := sign.match(head):
            return words.format(*match.groups())
    line = next(line.strip() for line in head.splitlines() if line.strip())
    return f"text that begins with {line[:60]!r}"


def is_markup(text: str) -> bool:
    """Whether tags, fields or settings are what a text is made of, and not speech."""
    head = text[:_HEAD]
    if any(sign.match(head) for sign, _ in _SEEN):
        return True
    lines = [line for line in head.splitlines() if line.strip()]
    # Whoever says a tag behind a name still says it.
    marked = sum((_TAG.match(line) or _FIELD.match(line)) is not None and named(line)[0] is None for line in lines)
    return marked > len(lines) / 3
