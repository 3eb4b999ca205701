"""What captions say of sounds and songs: ``[Music]``, ``(door slams)``, ``*sighs*``, words between notes."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Literal

from crossspace.errors import DataError
from crossspace.transcripts.transcript import Cue, Transcript

Described = Literal["nowhere", "in square brackets", "in any brackets"]
"""Where a format describes sounds beside words. Captions use every kind of bracket for it; in what people type round
brackets and stars are speech unless nothing else is said; a corpus keeps its texts as they are."""

_NOTES = "\u2669\u266a\u266b\u266c\U0001f3b5\U0001f3b6"
_LONGEST = 100
"""Characters between brackets. It bounds the work as well: brackets that are never closed are left after so many."""
_SQUARE = re.compile(rf"[\[\u3010\uff3b]([^\[\]\u3010\u3011\uff3b\uff3d]{{1,{_LONGEST}}})[\]\u3011\uff3d]")
_ROUND = re.compile(rf"[(\uff08]([^()\uff08\uff09]{{1,{_LONGEST}}})[)\uff09]|\*([^*\s][^*]{{0,{_LONGEST}}})\*")
_SONG = re.compile(rf"[{_NOTES}][^{_NOTES}]*(?:[{_NOTES}]|$)")


def is_sound(text: str) -> bool:
    """Whether a text describes sounds or is a song, and nothing else is said in it."""
    rest = without_sounds(text, "in any brackets")
    return rest != text and not any(c.isalnum() for c in rest)


def without_sounds(text: str, described: Described) -> str:
    """The words of a text without what is described beside them."""
    if described == "nowhere" or not any(c in text for c in "[(*\u3010\uff3b\uff08" + _NOTES):
        return text
    # A note that stands last closes a song that began on another line.
    bare = text.rstrip()
    if bare[-1:] in tuple(_NOTES) and sum(map(bare.count, _NOTES)) == 1:
        return ""
    rest = _SQUARE.sub(_kept, _SONG.sub(" ", text))
    if described == "in any brackets":
        rest = _ROUND.sub(_kept, rest)
    # As it was where nothing was described: two spaces between words are nobody's concern here.
    return text if rest == text else " ".join(rest.split()).lstrip(",;: ")


def _kept(match: re.Match[str]) -> str:
    # "[ __ ]" is a word that was bleeped, and no sound.
    return " " if any(c.isalpha() for c in match.group()) else match.group()


def apart(transcript: Transcript, described: Described, name: str) -> Transcript:
    """The transcript with sounds and songs apart from speech.

    An utterance that is nothing but a sound or a song becomes one of :attr:`Transcript.sounds`. One with words keeps
    them, without the description. Utterances with a label are left as they are: a person judged them.

    Args:
        transcript: as its file has it.
        described: where its format describes sounds.
        name: how messages call the file.

    Raises:
        DataError: nothing is left.
    """
    if described == "nowhere":
        return transcript
    cues, sounds, changed = list[Cue](), list[Cue](), 0
    for cue in transcript.cues:
        if cue.text is None or cue.label is not None:
            cues.append(cue)
        elif is_sound(cue.text):
            sounds.append(cue)
        else:
            words = without_sounds(cue.text, described)
            changed += words != cue.text
            cues.append(replace(cue, text=words))
    if not cues:
        raise DataError(f"{name} should hold utterances. Found {len(sounds)} descriptions of sounds, and no speech.")
    notes = list(transcript.notes)
    if sounds:
        notes.append(f"{len(sounds)} of {len(transcript.cues)} utterances are sounds or songs; kept apart from speech.")
    if changed:
        notes.append(f"{changed} utterances describe sounds beside their words; the words are kept.")
    return replace(transcript, cues=tuple(cues), sounds=(*transcript.sounds, *sounds), notes=tuple(notes))
