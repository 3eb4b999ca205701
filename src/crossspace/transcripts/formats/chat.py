"""CHAT (``.cha``) of TalkBank and CHILDES."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from crossspace.errors import DataError
from crossspace.transcripts.chat_words import words_in
from crossspace.transcripts.format import Format
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.transcript import Cue, Transcript

_BULLET = re.compile(r'\x15(?:%snd:"[^"\x15\n]{0,200}"_)?(\d{1,11})_(\d{1,11})-?\x15')
_SPEAKER = re.compile(r"\*([^\s:]{1,40}):[\t ]*")
_HEAD = 4096
_HEADERS = re.compile(r"\ufeff?\s*(?:@[^\n]*\n)*?@Begin[^\S\n]*(?:\n|$)")


def parse_chat(text: str, name: str) -> Transcript:
    """The main lines of a CHAT file, with the times of their bullets; tiers below them (``%mor:``) are no speech.

    Speakers have the names of ``@Participants``, or their codes where there are none.

    Raises:
        DataError: it holds no utterance.
    """
    names = dict[str, str]()
    entries, strange = Entries(name), list[str]()
    for number, line in _lines(text):
        match = _SPEAKER.match(line)
        if line.startswith("@Participants:"):
            names = _names(line.partition(":")[2])
        elif match:
            said = line[match.end() :]
            bullets = _BULLET.findall(said)
            start, end = (int(bullets[0][0]) / 1000, int(bullets[-1][1]) / 1000) if bullets else (None, None)
            words = words_in(_BULLET.sub(" ", said).replace("\x15", " "))
            entries.add(f"line {number}", Cue(words, names.get(match.group(1), match.group(1)), start, end))
        elif not line.startswith(("@", "%")):
            strange.append(f"line {number}")
    if strange and not entries:
        raise DataError(
            f"{name} should be CHAT, whose utterances begin with a star and a code, as in '*CHI:'. Found none. Mend it."
        )
    notes = [f"{len(strange)} lines are no part of CHAT; left out ({listed(strange)})."] if strange else []
    return tidied(entries, name, notes)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """``(number of its first line, text)`` of what begins with a sign, with the lines below that go on with it."""
    first, parts = 1, list[str]()
    for number, line in enumerate(text.lstrip("\ufeff").split("\n"), start=1):
        if parts and line.startswith(("\t", " ")):
            parts.append(line)
            continue
        if parts:
            yield first, " ".join(parts)
        first, parts = number, [line] if line.strip() else []
    if parts:
        yield first, " ".join(parts)


def _names(participants: str) -> dict[str, str]:
    """``{code: name}`` of ``CHI Ross Target_Child, FAT Father``; a name that two share, or that lacks, is the code."""
    named = {}
    for participant in participants.split(","):
        words = participant.split()
        if words:
            named[words[0]] = words[1].replace("_", " ") if len(words) > 2 else words[0]
    counts = Counter(named.values())
    return {code: name if counts[name] == 1 else code for code, name in named.items()}


CHAT = Format("CHAT", lambda text: _HEADERS.match(text[:_HEAD]) is not None, parse_chat, (".cha",))
