"""Chats with dates or times of day, as messengers export them: the message behind the name, or below it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crossspace.transcripts.format import Format
from crossspace.transcripts.names import may_be
from crossspace.transcripts.stamps import has_times, numbered
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.transcript import Cue, Transcript

_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
_CLOCK = r"\d{1,2}[:.]\d{2}(?:[:.]\d{2})?"
_HALF = r"[ \u00a0\u202f]?[AaPp]\.?[Mm]\.?"
_DAY = rf"(?:{_DATE}|[Tt]oday|[Yy]esterday|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)"
_STAMP = rf"(?:{_DAY},?(?: at)?[ \u00a0]{_CLOCK}(?:{_HALF})?|{_CLOCK}{_HALF})"
_BEFORE = re.compile(rf"\u200e?(?:\[{_STAMP}\]|{_STAMP} [-\u2013](?= )|{_DATE},? {_CLOCK}(?:{_HALF})?:?(?=\s))\s?")
"""The stamp before a message on the same line."""
_MEETING = re.compile(r"\d{1,2}:\d{2}:\d{2}\s{1,4}From\s{1,4}")
"""And in the chat of a meeting, where ``to Everyone`` may follow the name."""
_ABOVE = re.compile(rf"(?:[\s\[(]|[-\u2013\u2014] ?){_STAMP}[\])]?$")
"""The stamp behind the name, above a message."""
_MARK = "\u200e"
"""Messengers put this before what they write themselves."""
_BETWEEN = " \t\u00a0\u200e[(-\u2013\u2014|\u00b7\u2022,"
_LONGEST, _TAIL = 120, 60


def parse_messages(text: str, name: str) -> Transcript:
    """The transcript of a chat: every message is an utterance, in the order of the file.

    Times of day are no times of a recording; they are not used. Lines of the messenger itself (who joined, what was
    left out of the export) are left out and noted.

    Raises:
        DataError: there is no message.
    """
    messages: list[tuple[int, str, list[str]]] = []
    system: list[str] = []
    own = False
    for number, line in numbered(text):
        start = _start(line)
        if start is None:
            # Goes on with the message above, or with what the messenger said.
            if messages and not own:
                messages[-1][2].append(line)
            else:
                system.append(f"line {number}")
            continue
        speaker, words = start
        own = speaker is None or _is_own(words)
        if own or speaker is None:
            system.append(f"line {number}")
        else:
            messages.append((number, speaker, [words] if words else []))
    entries = Entries(name)
    for number, speaker, lines in messages:
        entries.add(f"line {number}", Cue(" ".join(lines), speaker))
    notes = ["The times are those of a chat and none of a recording; not used."]
    if system:
        notes.append(f"{len(system)} lines of the messenger itself left out ({listed(system)}).")
    return tidied(entries, name, notes)


def _start(line: str) -> tuple[str | None, str] | None:
    """``(speaker, words)`` where a message begins; no speaker where the messenger says something itself."""
    meeting = _MEETING.match(line)
    if match := meeting or _BEFORE.match(line):
        rest = line[match.end() :].lstrip()
        colon = rest.find(":", 0, _LONGEST)
        if colon <= 0:
            return None, rest
        name = rest[:colon].partition(" to ")[0] if meeting else rest[:colon]
        return name.strip(" ~" + _MARK) or None, rest[colon + 1 :].strip(" ")
    speaker = _above(line)
    return None if speaker is None else (speaker, "")


def _above(line: str) -> str | None:
    if len(line) > _LONGEST or (match := _ABOVE.search(line, max(0, len(line) - _TAIL))) is None:
        return None
    name = line[: match.start()].rstrip(_BETWEEN)
    return name if name and may_be(name) and ":" not in name else None


def _is_own(words: str) -> bool:
    return words.startswith(_MARK) or (words.startswith("<") and words.endswith(">"))


def _is_chat(text: str) -> bool:
    if not has_times(text):
        return False
    lines = numbered(text)
    before = [(_BEFORE.match(line) or _MEETING.match(line)) is not None for _, line in lines]
    if sum(before) > 1 or (before[:1] == [True]):
        return 3 * sum(before) >= len(lines)
    return _heads([_above(line) is not None for _, line in lines])


def _heads(above: Sequence[bool]) -> bool:
    at = [n for n, head in enumerate(above) if head]
    followed = sum(n + 1 < len(above) and not above[n + 1] for n in at)
    return len(at) > 1 and 10 * followed >= 8 * len(at) and 5 * len(at) >= len(above)


MESSAGES = Format("a chat with dates", _is_chat, parse_messages, (), "nowhere")
