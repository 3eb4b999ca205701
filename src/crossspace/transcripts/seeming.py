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
        re.compile(r"\s*(?:<\?xml[^<>]*>\s*)?(?:<!(?:--.*?--|DOCTYPE[^<>]*)>\s*)*<([A-Za-z][\w:.-]*)", re.DOTALL),
        "XML that begins with <{}>",
    ),
    (re.compile(r"#!|#include"), "a program"),
    (re.compile(r"Scenarist_SCC"), "captions in SCC, whose words are coded"),
    (re.compile(r"\s*(?:\$\w+ ?=|\d\d:\d\d:\d\d:\d\d ?, ?\d\d:\d\d:\d\d:\d\d ?,)"), "captions in STL"),
    (re.compile(r"\s*\[\d+\]\[\d+\]"), "captions in MPL2"),
    (re.compile(r"(?:;;[^\n]*\n)*\S+ \w+ \S+ \d+\.\d+ \d+\.\d+ <[^>\n]*>"), "segments in STM"),
    (re.compile(r"(?:(?:;;[^\n]*\n)*\S+ \w+ \d+\.\d+ \d+\.\d+ \S+(?: \d\.\d+)?\n){2}"), "words in CTM"),
    (
        re.compile(r"(?:\d{1,20}(?:[.,]\d{1,9})?[ \t]{1,8}\d{1,20}(?:[.,]\d{1,9})?[ \t]{1,8}\S[^\n]*(?:\n+|$)){2}"),
        "labels behind two numbers each (HTK)",
    ),
    (re.compile(r"# VobSub index"), "captions that are pictures (VobSub)"),
    (re.compile(r"-----BEGIN "), "a key or a certificate"),
    (re.compile(r"diff --git |--- [^\n]+\n\+\+\+ |Index: [^\n]+\n==="), "changes of a program (diff)"),
    (re.compile(r"BEGIN:V(?:CARD|CALENDAR|EVENT)"), "contacts or dates"),
    (re.compile(r"#EXTM3U"), "a list of media (M3U)"),
    (re.compile(r"Traceback \(most recent call last\)"), "the trace of an error"),
    (
        re.compile(r"(?:[A-Z][\w-]*: [^\n]*\n(?:[ \t][^\n]*\n)*)*(?:Message-ID|MIME-Version|Received|Return-Path): "),
        "an e-mail",
    ),
    (re.compile(r"(?:\S{40,}\s+){3}"), "data without words"),
    (re.compile(r"(?:\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\n]*\n){2}"), "a log"),
)

_FIELD = re.compile(
    r"\s*(?:\[[^\]\n]{1,80}\]\s*$|[\w.\[\] -]{1,60}=\s*\S|[{}();]+\s*$|\\[a-z]+|[^\n]{0,200}[;{}]\s*$|"
    r"(?:def|class|for|while|if|elif|else|try|except|with)\b[^\n]{0,200}:\s*$|import \w|from \S+ import |return\b)"
)
"""A line of settings or of a program: a section, ``name = value``, brackets, a statement, a command of a document."""


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
