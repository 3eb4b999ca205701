"""A name and a time on a line of their own, and the words below, as meeting programs and transcribers write it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from crossspace.transcripts.format import Format
from crossspace.transcripts.names import bare, is_name, is_numbered, may_be
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
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.transcript import Transcript

_AT_END = re.compile(rf"(?:^|[\s(\[|\u2013\u2014\u00b7\u2022-])(?:({TIME}){TO})?({TIME})[\])]?:?$")
_AT_START = re.compile(rf"({TIME})\s{{1,4}}(?=\D)")
_BETWEEN = " \t\u00a0([-\u2013\u2014|\u00b7\u2022,:"
_LONGEST, _TAIL = 120, 40


@dataclass(frozen=True)
class _Header:
    name: str
    start: float | None
    end: float | None
    apart: bool
    """Whether more than a space is between name and time, so that it is no sentence that ends with a time."""
    before: bool = False
    """Whether the time stands before the name."""


def parse_headed(text: str, name: str) -> Transcript:
    """The transcript of such a file. What stands before the first name, such as a title, is left out and noted.

    Raises:
        DataError: there is no utterance.
    """
    text, told = prepared(text)
    lines, notes = without_footer(numbered(text))
    headers = _headers(lines)
    turns: list[Turn] = []
    before: list[int] = []
    for (number, line), header in zip(lines, headers, strict=True):
        if header is not None:
            turns.append(Turn(number, header.start, header.end, header.name or None))
        elif turns:
            turns[-1].lines.append(line)
        else:
            before.append(number)
    if before and all(turn.speaker is None for turn in turns):
        before = _with_names_above(turns, before, dict(lines))
    notes = [*told, *without_times(turns), *notes]
    if empty := [f"line {turn.line}" for turn in turns if not turn.lines]:
        notes = [*notes, f"{len(empty)} names with a time have no words below; left out ({listed(empty)})."]
    return transcript_of_turns([turn for turn in turns if turn.lines], name, [*before_note(before), *notes])


def _with_names_above(turns: list[Turn], before: list[int], lines: dict[int, str]) -> list[int]:
    """Move what stands above each time to below it where it is a name; the lines before the first that are left."""
    above = [lines[before[-1]], *(turn.lines[-1] for turn in turns[:-1] if turn.lines)]
    # Of a turn without words only the name of the next is left; where that is so of many, they are words and no names.
    worded = sum(len(turn.lines) > 1 for turn in turns[:-1])
    if not turns or len(above) != len(turns) or 5 * worded < 4 * (len(turns) - 1):
        return before
    if not all(may_be(line) and is_name(line) for line in above):
        return before
    for turn in turns[:-1]:
        turn.lines.pop()
    for turn, speaker in zip(turns, above, strict=True):
        turn.speaker = bare(speaker)
    return before[:-1]


def _headers(lines: Sequence[tuple[int, str]]) -> list[_Header | None]:
    """The header that each line is; none where it is words."""
    possible = [_header(line) for _, line in lines]
    counts = Counter(header.name for header in possible if header is not None)
    # Behind a time stand words as well as names: only names that return, or are numbered, tell that it is names.
    before = Counter(header.name for header in possible if header is not None and header.before)
    named = all(map(is_name, before)) and (len(before) < sum(before.values()) or all(map(is_numbered, before)))
    headers = [h if h is not None and (named if h.before else _is_one(h, counts)) else None for h in possible]
    return _without_title(headers)


def _is_one(header: _Header, counts: Counter[str]) -> bool:
    return not header.name or header.apart or counts[header.name] > 1 or is_name(header.name)


def _without_title(headers: list[_Header | None]) -> list[_Header | None]:
    """The headers without those of a title, which ends with how long the recording is and not with when it begins."""
    at = [row for row, header in enumerate(headers) if header is not None]
    for row, following in pairwise(at):
        first, second = headers[row], headers[following]
        later = first is not None and second is not None and (first.start or 0.0) > (second.start or 0.0)
        if following > row + 1 and not later:
            break
        headers[row] = None
    return headers


def _header(line: str) -> _Header | None:
    if len(line) > _LONGEST:
        return None
    if match := _AT_END.search(line, max(0, len(line) - _TAIL)):
        first, second = match.groups()
        left = line[: match.start()]
        name, gap = bare(left.rstrip(_BETWEEN)), line[len(left.rstrip(_BETWEEN)) : match.start(1 if first else 2)]
        start, end = moment(first or second), moment(second) if first else None
        sure = len(gap) > 1 or line.endswith(("]", ")", ":")) or "\t" in gap
        return _Header(name, start, end, sure) if not name or (may_be(name) and ":" not in name) else None
    if match := _AT_START.match(line):
        name = line[match.end() :].strip(" :-\u2013")
        return _Header(name, moment(match.group(1)), None, False, True) if may_be(name) and ":" not in name else None
    if (match := BRACKETED.match(line)) and may_be(name := line[match.end() :].strip(" :-\u2013")) and ":" not in name:
        return _Header(name, *bracketed(match), False, True)
    return None


def _is_headed(text: str) -> bool:
    if not has_times(text):
        return False
    text, _ = prepared(text)
    lines, _ = without_footer(numbered(text))
    headers = _headers(lines)
    at = [n for n, header in enumerate(headers) if header is not None]
    followed = sum(n + 1 < len(lines) and headers[n + 1] is None for n in at)
    if not at or 10 * followed < 8 * len(at) or not in_order([h.start for h in headers if h is not None]):
        return False
    first = headers[at[0]]
    # One name with a time above a text is enough where it opens the file.
    return len(at) > 1 or (at == [0] and first is not None and bool(first.name) and first.apart)


HEADED = Format("names with times above the words", _is_headed, parse_headed)
