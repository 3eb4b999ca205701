"""RTTM: who speaks when, as diarization says it, and no words."""

from __future__ import annotations

import re

from crossspace.errors import DataError
from crossspace.transcripts.clock import seconds
from crossspace.transcripts.format import Format
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.tiers import in_time
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

_KINDS = (
    "SPEAKER|SPKR-INFO|SEGMENT|NOSCORE|NO_RT_METADATA|LEXEME|NON-LEX|NON-SPEECH|FILLER|EDIT|IP|SU|CB|A/P|SPEAKER-INFO"
)
_NUMBER = r"(?:-?\d[\d.eE+-]{0,30}|<NA>)"
_LINE = re.compile(rf"(?:{_KINDS})[ \t]+\S{{1,500}}[ \t]+\S{{1,20}}[ \t]+{_NUMBER}[ \t]+{_NUMBER}(?:\s|$)")
_NONE = "<NA>"
NO_WORDS = "These are turns without words: who speaks is known, what is said is not, and text is missing."


def parse_rttm(text: str, name: str) -> Transcript:
    """The turns of one recording: utterances whose words are not known, as those found by their sound.

    Raises:
        DataError: there is no turn, or there are turns of several recordings.
    """
    entries, other, unread, recordings = Entries(name), list[str](), list[str](), dict[str, None]()
    for number, line in enumerate(text.split("\n"), start=1):
        fields = line.split(maxsplit=9)
        if not fields or line.startswith(";;"):
            continue
        if fields[0] != "SPEAKER":
            other.append(f"line {number}")
            continue
        start, length = (seconds(field) for field in (fields[3:5] if len(fields) > 4 else ("", "")))
        if start is None or length is None:
            unread.append(f"line {number}")
            continue
        recordings[fields[1]] = None
        speaker = fields[7] if len(fields) > 7 and fields[7] != _NONE else UNKNOWN_SPEAKER
        # Sums of decimals are no decimals; milliseconds are more than diarization knows.
        entries.add(f"line {number}", Cue(None, speaker, start, round(start + length, 6)))
    if len(recordings) > 1:
        raise DataError(
            f"{name} should hold the turns of one recording. Found {len(recordings)}: {listed(list(recordings))}. "
            "Cut it into one file for each."
        )
    if not entries:
        raise DataError(f"{name} should hold turns, lines that begin with SPEAKER. Found none that can be read.")
    notes = [NO_WORDS]
    if other:
        notes.append(f"{len(other)} lines are no turns; left out ({listed(other)}).")
    if unread:
        notes.append(f"{len(unread)} turns have no times that can be read; left out ({listed(unread)}).")
    return tidied(in_time(entries, name), name, notes)


def _is_rttm(text: str) -> bool:
    head = (line for line in text[:65_536].lstrip("\ufeff").split("\n") if line.strip() and not line.startswith(";;"))
    return _LINE.match(next(head, "")) is not None


RTTM = Format("RTTM", _is_rttm, parse_rttm, (".rttm",))
