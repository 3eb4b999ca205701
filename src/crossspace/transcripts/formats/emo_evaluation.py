"""The evaluations of IEMOCAP: turns with their emotion, and no words."""

from __future__ import annotations

import re

from crossspace.transcripts.clock import seconds
from crossspace.transcripts.format import Format
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.tiers import in_time
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript

_TURN = re.compile(
    r"\[(\d[\d.]{0,20})\s{1,3}-\s{1,3}(\d[\d.]{0,20})\]\t(\S{1,200})\t([A-Za-z]{1,40})\t\[[^\]\n]{1,200}\]\s*"
)
_SIGN = re.compile(rf"\ufeff?\s*(?:%[^\n]*\n\s*)?{_TURN.pattern}")
_SPEAKER = re.compile(r"_([FM])[A-Z]{0,3}\d+$")
_RATER = re.compile(r"[A-Z]-[A-Z]?\d+:")


def parse_evaluation(text: str, name: str) -> Transcript:
    """The turns of an evaluation with the emotion that was agreed on; who speaks stands in their ids.

    Single ratings and the numbers of valence, activation and dominance are not used.

    Raises:
        DataError: it holds no turn.
    """
    entries, other = Entries(name), list[str]()
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        match = _TURN.fullmatch(line)
        if match:
            start, end, own, label = match.groups()
            speaker = _SPEAKER.search(own)
            who = speaker.group(1) if speaker else UNKNOWN_SPEAKER
            entries.add(f"line {number}", Cue(None, who, seconds(start), seconds(end), label, id=own))
        elif line.strip() and not line.startswith("%") and not _RATER.match(line):
            other.append(f"line {number}")
    notes = [
        "These are turns without words; ratings of single people and of valence, activation, dominance are not used."
    ]
    if other:
        notes.append(f"{len(other)} lines are no turns; left out ({listed(other)}).")
    return tidied(in_time(entries, name), name, notes)


EMO_EVALUATION = Format("IEMOCAP EmoEvaluation", lambda text: _SIGN.match(text) is not None, parse_evaluation)
