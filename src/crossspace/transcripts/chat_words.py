"""The words said in a line of CHAT, whose codes say how and beside what they were said."""

from __future__ import annotations

import re

from crossspace.transcripts.spaces import joined

_SCOPES = re.compile(r"\[[^\[\]]*\]|&\{[^\s]*|&\}[^\s]*")
"""``[//]``, ``[=! laughing]``, ``[: going to]``: what is in square brackets tells about words, and was not said."""
_PAUSES = re.compile(r"\((?:\.{1,3}|(?:\d{1,9}:)?\d{1,9}\.?\d{0,9})\)")
_SIGNS = re.compile(
    "[<>\u2191\u2193\u2308\u2309\u230a\u230b\u2206\u2207\u00b0\u2581\u2594\u263a\u264b\u2047\u2197\u2198\u2192\u21d7"
    "\u21d8\u224b\u2219\u222c\u204e\u2260\u02c8\u02cc\u21ab\u2261\u25c9]"
)
"""Scopes, pitch, overlaps and stress."""
_ENDS = {
    **{"+...": "...", "+..?": "?", "+!?": "!?", "+/.": "", "+//.": "", "+/?": "?", "+//?": "?"},
    **{'+"/.': ".", '+".': ".", "+.": "", "+,": "", "++": "", "+<": "", "+^": "", '+"': "", "+": ""},
    **{"\u2021": ",", "\u201e": ",", "-.": ".", "-?": "?", "-!": "!", "-,": ",", "#": "", "##": "", "###": ""},
}
"""What ends or joins utterances, as one would write it."""
_UNKNOWN = {"xxx", "xx", "yyy", "yy", "www"}
_MARKS = {".", ",", "?", "!", ";", ":", "...", "!?"}
_TOKEN = re.compile(r"\S+")
_FORM = re.compile(r"@[A-Za-z][\w:$+&*-]*$")
_LENGTH = re.compile(r"(?<=[^\W\d_]):+|\^|~")


def words_in(line: str) -> str | None:
    """What was said, as one would write it down.

    Repeated and taken-back words were said and are kept, shortened ones, ``(be)cause``, in full. Sounds, gestures,
    pauses, fragments and words left out are no words.

    Returns:
        ``None`` where something was said that nobody understood, and nothing else.
    """
    for expression in (_SCOPES, _PAUSES, _SIGNS):
        line = expression.sub(" ", line)
    said: list[str] = []
    spoke = False
    for match in _TOKEN.finditer(line):
        token = match.group()
        word = _ENDS[token] if token in _ENDS else _word(token)
        spoke = spoke or _form(token).casefold() in _UNKNOWN
        # Marks stand apart in CHAT; a mark that nothing stands before marks nothing.
        if word in _MARKS:
            if said:
                said[-1] += word if not said[-1].endswith(word) else ""
        elif word:
            said.append(word)
    text = joined(" ".join(said))
    return None if spoke and not any(c.isalnum() for c in text) else text if said else ""


def _form(token: str) -> str:
    return _FORM.sub("", token)


def _word(token: str) -> str:
    """A word without the marks of how it was said; empty where it is none."""
    if token.startswith("&-"):
        token = token[2:]
    # &=laughs, &+fr, &~gaga, &*MOT:mhm, 0is, #2: sounds, beginnings, others' words, what is missing, pauses.
    elif token.startswith(("&", "#")) or (token.startswith("0") and not token[1:].isdigit()):
        return ""
    token = _form(token)
    if token.casefold() in _UNKNOWN:
        return ""
    token = token.replace("(", "").replace(")", "").replace("_", " ").replace("+", "-")
    return _LENGTH.sub("", token).strip("/")
