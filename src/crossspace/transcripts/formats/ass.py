"""Advanced SubStation Alpha (``.ass``, ``.ssa``)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crossspace.errors import DataError
from crossspace.transcripts.bounds import MOST_CELLS, check_lines
from crossspace.transcripts.clock import seconds
from crossspace.transcripts.format import Format
from crossspace.transcripts.formats.cues import Block, entries_of
from crossspace.transcripts.spaces import joined
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.tiers import in_time
from crossspace.transcripts.transcript import Cue, Transcript

_SIGN = re.compile(r"\ufeff?\s*(?:[;!][^\n]*\n\s*)*(?:\[(?:script info|v4\+? styles|events)\]|dialogue:\s*\d)", re.I)
_TAGS = re.compile(r"\{([^{}]*)\}")
_DRAWING = re.compile(r"\\p(\d{1,3})")
_OTHERS = ("comment", "picture", "sound", "movie", "command")
"""What stands between the lines of dialogue and is none."""
_BREAK = re.compile(r"\\[Nnh]")


def parse_ass(text: str, name: str) -> Transcript:
    """What is said in the dialogue lines of ``[Events]``, by the column ``Name`` where it is filled.

    Comments, drawings and tags are no speech.

    Raises:
        DataError: no line ``Format:`` says where times and text stand, or it holds no utterance.
    """
    check_lines(_BREAK.sub("\n", text), name)
    # Those without a name are looked at together: which words before a colon are names, all of them show.
    named, unnamed, unread = Entries(name), list[Block](), list[str]()
    wordless, unknown = list[str](), list[str]()
    for number, row in _dialogue(text, name, unknown):
        start, end = seconds(row["start"]), seconds(row["end"])
        if start is None or end is None:
            unread.append(f"line {number}")
        lines, speaker = _spoken(row["text"]), (row.get("name") or row.get("actor") or "").strip()
        if speaker:
            named.add(f"line {number}", Cue(joined(" ".join(lines)), speaker, start, end))
        elif any(line.strip() for line in lines):
            unnamed.append(Block(number, start, end, lines))
        else:
            wordless.append(f"line {number}")
    entries = [*named, *entries_of(unnamed, name)] if unnamed else named
    notes = [f"{len(unread)} times cannot be read and are unknown ({listed(unread)})."] if unread else []
    if wordless:
        notes.append(f"{len(wordless)} lines of dialogue have no words, as drawings have none ({listed(wordless)}).")
    if unknown:
        notes.append(f"{len(unknown)} lines of [Events] are of no known kind; left out ({listed(unknown)}).")
    return tidied(in_time(entries, name), name, notes)


def _dialogue(text: str, name: str, unknown: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """``(number of its line, {column: value})`` of each line of dialogue; ``unknown`` takes those of no known kind."""
    columns: list[str] = []
    events = False
    for number, line in enumerate(text.split("\n"), start=1):
        kind, _, rest = line.strip().partition(":")
        if line.lstrip("\ufeff \t").startswith("["):
            events = line.strip("\ufeff \t").casefold() == "[events]"
        elif events and kind.casefold() == "format":
            columns = [column.strip().casefold() for column in rest.split(",", MOST_CELLS)]
        elif kind.casefold() == "dialogue":
            if not {"start", "end", "text"} <= set(columns):
                raise DataError(
                    f"{name} should have a line 'Format:' with Start, End and Text below [Events]. Found "
                    f"{listed(columns) or 'none'} at line {number}. Save it again in its program."
                )
            # Only the last column may hold commas.
            cells = rest.split(",", len(columns) - 1)
            if len(cells) < len(columns):
                raise DataError(
                    f"{name}, line {number}, should have {len(columns)} columns. Found {len(cells)}. Mend it."
                )
            yield number, dict(zip(columns, cells, strict=True))
        elif events and line.strip() and kind.casefold() not in _OTHERS and not line.lstrip().startswith((";", "!")):
            unknown.append(f"line {number}")


def _spoken(text: str) -> list[str]:
    """The lines of a text without its tags; between ``{\\p1}`` and ``{\\p0}`` stand drawings."""
    parts, drawing = list[str](), False
    for at, part in enumerate(_TAGS.split(text)):
        if at % 2 == 0:
            parts += [] if drawing else [part]
        elif modes := _DRAWING.findall(part):
            drawing = int(modes[-1]) > 0
    return _BREAK.sub("\n", "".join(parts)).split("\n")


ASS = Format("ASS", lambda text: _SIGN.match(text) is not None, parse_ass, (".ass", ".ssa"))
