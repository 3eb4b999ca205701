"""A conversation as people type it: lines ``NAME: what they say``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossspace.transcripts.format import Format
from crossspace.transcripts.names import COLONS, TURN, names_in
from crossspace.transcripts.seeming import is_markup
from crossspace.transcripts.sounds import is_sound
from crossspace.transcripts.tidy import Entries, tidied
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript


def parse_text(text: str, name: str = "The conversation") -> Transcript:
    """The utterances of lines ``NAME: what they say``, without times.

    What is a name is judged by all lines together. A line without a name is a further utterance of the speaker above; a
    line of only a name says who speaks below. Behind arrows, or where two lines or more have a dash, others speak: who
    it is without a name is not known.

    Raises:
        DataError: there is no utterance.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    names = names_in(_evidence([line for _, line in lines if not is_sound(line)]))
    entries = Entries(name)
    speaker, alone, unnamed, named = UNKNOWN_SPEAKER, False, 0, 0
    dashes = sum(TURN.match(line) is not None for _, line in lines) > 1
    for number, line in lines:
        turn = TURN.match(line)
        marked = turn is not None and (dashes or ">>" in turn.group())
        own_speaker, said = names.split(line[turn.end() :] if turn else line)
        if own_speaker is None and is_sound(said):
            # Nobody's: it is set apart from speech later, and whoever spoke speaks on.
            entries.add(f"line {number}", Cue(said))
            continue
        if own_speaker is None and turn is not None:
            speaker, said = (UNKNOWN_SPEAKER, said) if marked else (speaker, line.strip())
        named += own_speaker is not None
        unnamed += own_speaker is None and not alone and not marked
        alone, speaker = own_speaker is not None and not said, own_speaker or speaker
        if said:
            entries.add(f"line {number}", Cue(said, speaker))
    notes = []
    # Without any name it is a monologue, which needs no note.
    if unnamed and named:
        notes.append(f"{unnamed} of {len(lines)} lines have no 'NAME:' in front; taken as said by the speaker above.")
    return tidied(entries, name, notes)


def _evidence(lines: Sequence[str]) -> Iterator[list[str]]:
    """The lines, each an entry; what somebody says below the own name belongs to it."""
    alone = False
    for line in lines:
        below, alone = alone, line.rstrip().endswith(tuple(COLONS))
        if alone or not below:
            yield [line]


LINES = Format("lines 'NAME: what they say'", lambda text: not is_markup(text), parse_text, (".txt",))
