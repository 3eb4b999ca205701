"""Transcriptions as IEMOCAP is distributed: ``Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.``"""

from __future__ import annotations

import re

from crossspace.transcripts.clock import seconds
from crossspace.transcripts.format import Format
from crossspace.transcripts.stamps import has_times, numbered
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.transcript import Cue, Transcript

_LINE = re.compile(r"(Ses\d{2}[FM]_\w{1,40})\s+\[(\d{1,6}\.\d{1,8})\s?-\s?(\d{1,6}\.\d{1,8})\]\s?:(.*)")
_SPEAKER = re.compile(r"_([FM])(XX)?\d{1,4}$")


def parse_iemocap(text: str, name: str) -> Transcript:
    """The transcript of a dialogue. The speaker is the letter before the number of the turn in the id.

    Pseudo-utterances, whose id has ``XX``, and lines without an id are no utterances of the corpus; they are left out
    and noted. Texts stay as they are, ``[LAUGHTER]`` included: such utterances have an emotion there.

    Raises:
        DataError: there is no utterance.
    """
    entries, pseudo, other = Entries(name), list[str](), list[str]()
    for number, line in numbered(text):
        match = _LINE.fullmatch(line)
        speaker = _SPEAKER.search(match.group(1)) if match else None
        if match is None or speaker is None:
            other.append(f"line {number}")
        elif speaker.group(2):
            pseudo.append(f"line {number}")
        else:
            own, start, end, said = match.groups()
            entries.add(f"line {number}", Cue(said.strip(), speaker.group(1), seconds(start), seconds(end), id=own))
    notes = [f"{len(pseudo)} pseudo-utterances (XX in their id) left out ({listed(pseudo)})."] if pseudo else []
    if other:
        notes.append(f"{len(other)} lines have no id and times of an utterance; left out ({listed(other)}).")
    return tidied(entries, name, notes)


def _is_iemocap(text: str) -> bool:
    if not has_times(text):
        return False
    lines = numbered(text)
    return 2 * sum(_LINE.match(line) is not None for _, line in lines) > len(lines)


IEMOCAP = Format("transcriptions of IEMOCAP", _is_iemocap, parse_iemocap, (), "nowhere")
