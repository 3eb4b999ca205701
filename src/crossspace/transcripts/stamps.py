"""Times beside lines of text: how they are written, what is around them, and the turns that begin with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from crossspace.transcripts.clock import FRAME_RATES, seconds
from crossspace.transcripts.names import names_in
from crossspace.transcripts.sounds import is_sound
from crossspace.transcripts.speakers import said_in
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

TIME = r"\d{1,3}:\d{2}(?::\d{2}(?:[:;]\d{2})?)?(?:[.,]\d{1,6})?"
"""Minutes or hours to seconds, with a part of a second or the number of a frame."""
TO = r"\s{0,3}(?:-{1,3}>|\u2192|[-\u2013\u2014]|to)\s{0,3}"
"""What stands between two times."""
_SECONDS = r"\d{1,6}(?:[.,]\d{1,6})?"
BRACKETED = re.compile(rf"[\[(<]\s{{0,2}}(?:({TIME})(?:{TO}({TIME}))?|({_SECONDS})s?{TO}({_SECONDS})s?)\s{{0,2}}[\])>]")
"""A time or two in brackets. Numbers alone are seconds only where there are two of them."""
_FOOTER = re.compile(
    r"(?:transcri(?:bed|pt|ption)|captions?|captioned|subtitles?|subtitled) (?:\w{1,20} )?(?:by|with)\b|"
    r"this (?:editable )?transcript(?:ion)? |(?:meeting|transcript(?:ion)?|recording) ended after|end of transcript|"
    r"\w{1,20} is the [^.]{0,40}transcription service",
    re.IGNORECASE,
)
_MOST_OF_TEN = 9
_FRAMES = re.compile(r"(?<![\d:])(\d{1,3}:\d{2}:\d{2})[:;](\d{2})(?![\d:])")
_LONGEST_HEAD = 120
"""Characters of a line before the words: a name, times and what stands between them."""
_HEAD = re.compile(r"[^:!?\n]*(?::\s?[\[(<]\s?)?(?:\d{1,3}:\d{2}:\d{2}[:;.]\d{2,3}[^:!?\n]*)?")
_BOLD = re.compile(r"\*\*([^*]{1,120})\*\*")
_INSIDE = re.compile(rf"\[\s{{0,2}}{TIME}\s{{0,2}}\]")
_SPELLED = re.compile(r"\d{1,3} [^\W\d]{1,20}(?:,? \d{1,3} [^\W\d]{1,20}){0,2}")
_CLOCK = re.compile(r"\d[:.,]\d")


@dataclass
class Turn:
    """Lines that somebody says from a time on.

    Attributes:
        line: where it begins, from 1.
        start, end: seconds.
        speaker: where the line of the time names one.
        lines: what is said.
    """

    line: int
    start: float | None
    end: float | None
    speaker: str | None
    lines: list[str] = field(default_factory=list)


def has_times(text: str) -> bool:
    """Whether there is anything like a time in a text: a look that spares most texts a look at each of their lines."""
    return _CLOCK.search(text) is not None


def moment(written: str) -> float | None:
    """Seconds of a :data:`TIME`."""
    return seconds(_FRAMES.sub(r"\1", written))


def prepared(text: str) -> tuple[str, list[str]]:
    """A text without what is bold in Markdown, and with parts of a second where timecodes count frames; a note on it.

    How many frames a second has stands nowhere: the least usual number that is more than any that is counted.
    """
    text = _BOLD.sub(r"\1", text) if "**" in text else text
    # Before the words of a line alone: whoever reads out four numbers says them so.
    heads = [match for match in _FRAMES.finditer(text) if _HEAD.fullmatch(text, _line_of(text, match), match.start())]
    counted = [int(match.group(2)) for match in heads]
    rate = next((rate for rate in FRAME_RATES if rate > max(counted, default=0)), FRAME_RATES[-1])
    parts, at = list[str](), 0
    for match in heads:
        parts += [text[at : match.start()], f"{match.group(1)}.{round(1000 * int(match.group(2)) / rate):03d}"]
        at = match.end()
    text = "".join([*parts, text[at:]])
    told = f"Times are timecodes whose last part counts frames; taken as {rate} a second."
    return text, [told] if counted else []


def _line_of(text: str, match: re.Match[str]) -> int:
    """Where the line of a match begins, or what of it is looked at; never far before."""
    begin = max(0, match.start() - _LONGEST_HEAD)
    return max(begin, text.rfind("\n", begin, match.start()) + 1)


def without_times(turns: Sequence[Turn]) -> list[str]:
    """Take from the words of turns the times that programs put among them, in brackets or spelled; a note on those."""
    count = 0
    for turn in turns:
        lines = turn.lines[1:] if turn.lines and _spells(turn.lines[0], turn.start) else turn.lines
        kept = [" ".join(_INSIDE.sub(" ", line).split()) if _INSIDE.search(line) else line for line in lines]
        count += turn.lines != kept
        turn.lines[:] = [line for line in kept if line]
    return [f"{count} utterances have times among their words; the words are kept."] * bool(count)


def _spells(line: str, start: float | None) -> bool:
    """Whether a line says in words what the time above it says: ``1 minute, 2 seconds``."""
    if start is None or not _SPELLED.fullmatch(line):
        return False
    hours, rest = divmod(int(start), 3600)
    parts = (hours, *divmod(rest, 60))
    return [int(n) for n in re.findall(r"\d+", line) if int(n)] == [part for part in parts if part]


def bracketed(match: re.Match[str]) -> tuple[float | None, float | None]:
    """Start and end of a match of :data:`BRACKETED`."""
    start, end = match.group(1) or match.group(3), match.group(2) or match.group(4)
    return moment(start), moment(end) if end else None


def numbered(text: str) -> list[tuple[int, str]]:
    """``(number from 1, line)`` of the lines that are not blank, without spaces around them."""
    return [(n, line) for n, raw in enumerate(text.split("\n"), start=1) if (line := raw.strip("\ufeff \t\u200e"))]


def in_order(times: Sequence[float | None]) -> bool:
    """Whether nearly all times are as late as the one before, as those of one recording are."""
    known = [time for time in times if time is not None]
    return 10 * sum(a <= b for a, b in pairwise(known)) >= _MOST_OF_TEN * (len(known) - 1)


def without_footer(lines: list[tuple[int, str]]) -> tuple[list[tuple[int, str]], list[str]]:
    """The lines without those at the end in which a program names itself, and a note on them."""
    kept = list(lines)
    while len(lines) - len(kept) < 3 and kept and _FOOTER.match(kept[-1][1]):
        kept.pop()
    left = [f"line {number}" for number, _ in lines[len(kept) :]]
    return kept, [f"{len(left)} lines at the end say who made the transcript; left out ({listed(left)})."] * bool(left)


def before_note(lines: Sequence[int]) -> list[str]:
    """A note on the lines before the first time, where there are any."""
    places = [f"line {number}" for number in lines]
    return [f"{len(places)} lines stand before the first time; left out ({listed(places)})."] * bool(places)


def transcript_of_turns(turns: Sequence[Turn], name: str, notes: Sequence[str] = ()) -> Transcript:
    """The transcript of turns; the names in their lines are judged by all of them.

    A line with a name inside of a turn is an utterance whose time is not known. A turn without a name goes on with the
    speaker above.

    Raises:
        DataError: nothing is said in them, or that is more than a transcript may hold.
    """
    entries, unnamed, speaker = Entries(name), list[str](), UNKNOWN_SPEAKER
    # Where arrows say that another speaks, who it is without a name is not known.
    arrows = any(line.startswith(">>") for turn in turns for line in turn.lines)
    for turn, own, text, first in _said(turns):
        place = f"line {turn.line}"
        if own is None and is_sound(text):
            entries.add(place, Cue(text, UNKNOWN_SPEAKER, turn.start, turn.end))
            continue
        if own is None:
            unnamed.append(place)
        speaker = own or (UNKNOWN_SPEAKER if arrows else speaker)
        entries.add(place, Cue(text, speaker, turn.start if first else None, turn.end if first else None))
    notes = list(notes)
    if unnamed and len(unnamed) < len(entries) and not arrows:
        notes.append(f"{len(unnamed)} of {len(entries)} utterances have no name; taken as said by the speaker above.")
    return tidied(entries, name, notes)


def _said(turns: Sequence[Turn]) -> Iterator[tuple[Turn, str | None, str, bool]]:
    """``(turn, speaker, text, whether the turn begins with it)`` of each utterance."""
    names = names_in(t.lines for t in turns if t.speaker is None and t.lines and not is_sound(" ".join(t.lines)))
    for turn in turns:
        if turn.speaker is not None:
            yield turn, turn.speaker, " ".join(turn.lines), True
        else:
            said = said_in(turn.lines, names)
            # Arrows behind a name begin the words, of which nothing stands before them.
            said = [part for part in said if part[1]] or said
            yield from ((turn, speaker, text, at == 0) for at, (speaker, text) in enumerate(said))
