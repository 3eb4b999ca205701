"""Lines with times: ``[00:00:03] Mira: Hello``, ``Mira (00:03): Hello``, ``[00:03 --> 00:05] Hello``."""

from __future__ import annotations

import re

from crossspace.transcripts.format import Format
from crossspace.transcripts.names import may_be
from crossspace.transcripts.stamps import (
    BRACKETED,
    TIME,
    TO,
    Turn,
    before_note,
    bracketed,
    has_times,
    in_order,
    moment,
    numbered,
    transcript_of_turns,
    without_footer,
)
from crossspace.transcripts.transcript import Transcript

_BARE = re.compile(rf"({TIME})(?:{TO}({TIME}))?(?=[\s:|\u2013\u2014-]|$)")
_AFTER_NAME = re.compile(rf"\s({TIME}):(?=\s)")
_BETWEEN = " \t\u00a0:-\u2013\u2014|"
"""What stands between a time and the words."""
_HEAD = 120
"""Characters in which the time of a line stands."""


def parse_stamped(text: str, name: str) -> Transcript:
    """The transcript of lines with times. A line without one goes on with the line above.

    Raises:
        DataError: there is no utterance.
    """
    lines, notes = without_footer(numbered(text))
    turns: list[Turn] = []
    before: list[int] = []
    for number, line in lines:
        if (turn := _turn(number, line)) is not None:
            turns.append(turn)
        elif turns:
            turns[-1].lines.append(line)
        else:
            before.append(number)
    return transcript_of_turns(turns, name, [*before_note(before), *notes])


def _turn(number: int, line: str) -> Turn | None:
    """What begins on a line with a time before the words or behind the name."""
    head = line[:_HEAD]
    if match := BRACKETED.search(head):
        speaker = head[: match.start()].strip(_BETWEEN)
        # Further on in a line is a time in speech, if what is before it cannot be a name.
        if speaker and (not may_be(speaker) or ":" in speaker or len(speaker.split()) > 6):
            return None
        return Turn(number, *bracketed(match), speaker or None, _words(line, match))
    if match := _BARE.match(head):
        end = match.group(2)
        return Turn(number, moment(match.group(1)), moment(end) if end else None, None, _words(line, match))
    if (match := _AFTER_NAME.search(head)) and may_be(speaker := head[: match.start()].strip()):
        return Turn(number, moment(match.group(1)), None, speaker, _words(line, match))
    return None


def _words(line: str, match: re.Match[str]) -> list[str]:
    rest = line[match.end() :].lstrip(_BETWEEN)
    return [rest] if rest else []


def _is_stamped(text: str) -> bool:
    if not has_times(text):
        return False
    lines = numbered(text)
    turns = [(turn, line) for number, line in lines if (turn := _turn(number, line)) is not None]
    sure = sum(BRACKETED.match(line) is not None for _, line in turns)
    if not turns or not in_order([turn.start for turn, _ in turns]):
        return False
    # A time of day can open a sentence; in brackets, or before every other line, it is one of a recording.
    return sure > 1 or (sure == 1 and 3 * len(turns) >= len(lines)) or (len(turns) > 1 and 2 * len(turns) >= len(lines))


STAMPED = Format("lines with times", _is_stamped, parse_stamped)
