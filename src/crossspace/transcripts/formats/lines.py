"""A conversation as people type it: lines ``NAME: what they say``."""

from __future__ import annotations

from crossspace.transcripts.format import Format
from crossspace.transcripts.seeming import is_markup
from crossspace.transcripts.speakers import named
from crossspace.transcripts.tidy import Entries, tidied
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript


def parse_text(text: str, name: str = "The conversation") -> Transcript:
    """The utterances of lines ``NAME: what they say``, without times.

    Names of one word may begin with a lower-case letter where every line has a name. A line without a name is a further
    utterance of the speaker above.

    Raises:
        DataError: there is no utterance.
    """
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    # With a name on every line, "anna: hi" is one as well; on a single line it would be a sentence with a colon.
    lenient = all(named(line, lenient=True)[0] is not None for _, line in lines)
    entries = Entries(name)
    speaker, unnamed = UNKNOWN_SPEAKER, 0
    for number, line in lines:
        own_speaker, said = named(line, lenient=lenient)
        unnamed += own_speaker is None
        speaker = own_speaker or speaker
        entries.add(f"line {number}", Cue(said, speaker))
    notes = []
    # Without any name it is a monologue, which needs no note.
    if unnamed and unnamed < len(lines):
        notes.append(f"{unnamed} of {len(lines)} lines have no 'NAME:' in front; taken as said by the speaker above.")
    return tidied(entries, name, notes)


LINES = Format("lines 'NAME: what they say'", lambda text: not is_markup(text), parse_text, (".txt",))
