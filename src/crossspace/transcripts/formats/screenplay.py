"""A screenplay: a name in capitals on a line of its own, the words below."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crossspace.transcripts.format import Format
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.transcript import Cue, Transcript

_HEADING = re.compile(r"(?:\d{1,4}[A-Z]?\.?\s{1,4})?(?:INT|EXT|I/E|EST)[.\s/]|FADE |CUT |THE END|.{1,40} TO:$")
_MOST_WORDS, _LONGEST = 5, 60

_Part = tuple[int, str | None, str]
"""The number of a line, the speaker, ``None`` where it is no dialogue, and the line; the words are empty for a name."""


def parse_screenplay(text: str, name: str) -> Transcript:
    """The transcript of a screenplay, without times: each speech is an utterance.

    Scene headings, actions and directions in brackets are not said; they are left out and noted.

    Raises:
        DataError: there is no utterance.
    """
    speeches: list[tuple[int, str, list[str]]] = []
    left: list[str] = []
    for number, speaker, line in _parts(text):
        if speaker is None or _is_direction(line):
            left.append(f"line {number}")
        elif not line:
            speeches.append((number, speaker, []))
        else:
            speeches[-1][2].append(line)
    entries = Entries(name)
    for number, speaker, lines in speeches:
        if lines:
            entries.add(f"line {number}", Cue(" ".join(lines), speaker))
    return tidied(entries, name, [f"{len(left)} lines of directions left out ({listed(left)})."] if left else [])


def _parts(text: str) -> Iterator[_Part]:
    lines = [line.strip() for line in text.split("\n")]
    speaker, words = None, False
    for at, line in enumerate(lines):
        if not line:
            # Blank lines between a name and its words are those of double spacing; behind the words they end them.
            speaker = None if words else speaker
            continue
        own = _name(line)
        if own is not None and _are_words(next((later for later in lines[at + 1 : at + 3] if later), "")):
            speaker, words = own, False
            yield at + 1, own, ""
        elif speaker is None or _HEADING.match(line):
            speaker = None
            yield at + 1, None, line
        else:
            words = words or not _is_direction(line)
            yield at + 1, speaker, line


def _name(line: str) -> str | None:
    """The name that a line in capitals is, without ``(V.O.)`` and ``(CONT'D)`` behind it."""
    if len(line) > _LONGEST or not line[:2].isupper() or _HEADING.match(line):
        return None
    name = line.partition("(")[0].strip().rstrip(":").strip()
    fits = name.isupper() and len(name.split()) <= _MOST_WORDS and name[-1] not in ".!?,;-\u2014" and ":" not in name
    return name if fits else None


def _are_words(line: str) -> bool:
    return bool(line) and _name(line) is None and not _HEADING.match(line)


def _is_direction(line: str) -> bool:
    return line.startswith("(") and line.endswith(")")


def _is_screenplay(text: str) -> bool:
    lines = text.split("\n")
    parts = list(_parts(text))
    names = [(number, speaker) for number, speaker, line in parts if speaker is not None and not line]
    spoken = sum(speaker is not None and not _HEADING.match(line) for _, speaker, line in parts)
    # One line in capitals is an exclamation: names return and stand behind a blank line, or all there is is under one.
    apart = sum(number == 1 or not lines[number - 2].strip() for number, _ in names)
    returns = len({speaker for _, speaker in names}) < len(names) and 2 * apart > len(names)
    return len(names) > 1 and (returns or spoken == len(parts)) and 5 * spoken >= 2 * len(parts)


SCREENPLAY = Format("a screenplay", _is_screenplay, parse_screenplay)
