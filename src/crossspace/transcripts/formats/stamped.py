"""Lines with times: ``[00:00:03] Mira: Hello``, ``Mira (00:03): Hello``, ``[00:03 --> 00:05] Hello``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crossspace.transcripts.format import Format
from crossspace.transcripts.formats.rttm import NO_WORDS
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
    prepared,
    transcript_of_turns,
    without_footer,
    without_times,
)
from crossspace.transcripts.tidy import Entries, tidied
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

_BARE = re.compile(rf"({TIME})(?:{TO}({TIME}))?(?=[\s:|\u2013\u2014-]|$)")
_AFTER_NAME = re.compile(rf"\s({TIME}):(?=\s)")
_BETWEEN = " \t\u00a0:-\u2013\u2014|"
"""What stands between a time and the words."""
_TRACK = re.compile(r"(?:[A-Z]{1,4} )?(SPEAKER_\d{1,4})")
"""A speaker of a diarization, behind the letter of a track."""
_HEAD = 120
"""Characters in which the time of a line stands."""


def parse_stamped(text: str, name: str) -> Transcript:
    """The transcript of lines with times. A line without one goes on with the line above.

    Raises:
        DataError: there is no utterance.
    """
    text, told = prepared(text)
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
    if turns and all(len(turn.lines) == 1 and _TRACK.fullmatch(turn.lines[0]) for turn in turns):
        return _wordless(turns, name)
    told += without_times(turns)
    return transcript_of_turns(turns, name, [*before_note(before), *told, *notes])


def _wordless(turns: Sequence[Turn], name: str) -> Transcript:
    """Who speaks when, where nothing but names of speakers stands behind the times, as diarization prints them."""
    entries = Entries(name)
    for turn in turns:
        match = _TRACK.fullmatch(turn.lines[0])
        speaker = match.group(1) if match else UNKNOWN_SPEAKER
        entries.add(f"line {turn.line}", Cue(None, speaker, turn.start, turn.end))
    return tidied(entries, name, [NO_WORDS])


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
    lines = numbered(prepared(text)[0])
    turns = [(turn, line) for number, line in lines if (turn := _turn(number, line)) is not None]
    sure = sum(BRACKETED.match(line) is not None for _, line in turns)
    if not turns or not in_order([turn.start for turn, _ in turns]):
        return False
    # A time of day can open a sentence; in brackets, or before every other line, it is one of a recording.
    return sure > 1 or (sure == 1 and 3 * len(turns) >= len(lines)) or (len(turns) > 1 and 2 * len(turns) >= len(lines))


STAMPED = Format("lines with times", _is_stamped, parse_stamped)
