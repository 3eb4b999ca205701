"""Utterances from words with times, as recognisers of speech write them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from crossspace.transcripts.clock import Amount
from crossspace.transcripts.rows import Row
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER
from crossspace.transcripts.units import Unit

PAUSE = 1.0
"""Seconds of silence between two utterances of one speaker."""
_CLOSING = frozenset(".,?!;:…。，、？！；：)]}»”’%")
"""Signs that stand at the word before them."""


@dataclass(frozen=True)
class Word:
    """A word.

    Attributes:
        text: with its signs; with a space in front where the recogniser writes one.
        start, end: as the file counts them, where it has them.
        speaker: who says it; ``None`` where the file does not say.
    """

    text: str
    start: Amount | None = None
    end: Amount | None = None
    speaker: str | None = None


def with_speakers(words: Sequence[Word]) -> list[Word]:
    """Words without a speaker said by that of the word before; the first ones by the first speaker there is."""
    last = next((word.speaker for word in words if word.speaker is not None), None)
    spoken = []
    for word in words:
        last = word.speaker if word.speaker is not None else last
        spoken.append(word if word.speaker == last else replace(word, speaker=last))
    return spoken


def with_channel(words: Sequence[Word], name: str | None) -> list[Word]:
    """Words without a speaker said by that of their channel, where it has a name."""
    return [word if word.speaker or not name else replace(word, speaker=name) for word in words]


def utterances(words: Sequence[Word], unit: Unit | None = None) -> Iterator[list[Word]]:
    """Words in a row by one speaker; with a unit of their times also without a pause of :data:`PAUSE`."""
    own: list[Word] = []
    end: float | None = None
    for word in with_speakers(words):
        start = word.start.seconds(unit) if word.start and unit else None
        pause = start is not None and end is not None and start - end >= PAUSE
        if own and (pause or word.speaker != own[-1].speaker):
            yield own
            own, end = [], None
        own.append(word)
        known = word.end or word.start
        end = (known.seconds(unit) if known and unit else None) or end
    if own:
        yield own


def joined_words(words: Sequence[Word]) -> str:
    """The text of some words: signs at the word before them, no spaces inside scripts that have none."""
    if any(word.text[:1].isspace() for word in words):
        return "".join(word.text for word in words).strip()
    parts: list[str] = []
    before = ""
    for word in words:
        text = word.text.strip()
        if not text:
            continue
        apart = before and text[0] not in _CLOSING and not (_is_dense(before) and _is_dense(text[0]))
        parts.append(f" {text}" if apart else text)
        before = text[-1]
    return "".join(parts)


def _is_dense(sign: str) -> bool:
    """Whether a sign is of Chinese or Japanese, which put no spaces between words."""
    return "\u3000" <= sign <= "\u9fff" or "\uff00" <= sign <= "\uffef"


def row_of_words(place: str, words: Sequence[Word], text: str | None = None) -> Row:
    """The utterance that words make up, from the first time there is to the last.

    Args:
        place: by which notes name it.
        words: of one speaker.
        text: what was said, where the file has it beside the words.
    """
    start = next((word.start for word in words if word.start), None)
    end = next((word.end for word in reversed(words) if word.end), None)
    said = joined_words(words) if text is None else text
    speaker = next((word.speaker for word in words if word.speaker), UNKNOWN_SPEAKER)
    return Row(place, said, speaker, start, end)


def cut(text: str, groups: Sequence[Sequence[Word]]) -> list[str]:
    """A text in as many parts as there are groups of its words.

    Where the words stand in the text, their spaces and signs are those of the text; else the words are joined.
    """
    begins, at = [0], 0
    for group in groups:
        first = at
        for number, word in enumerate(group):
            said = word.text.strip()
            place = text.find(said, at, at + len(said) + _NEAR)
            if place < 0:
                return [joined_words(words) for words in groups]
            first = place if number == 0 else first
            at = place + len(said)
        begins.append(first)
    begins = [0, *begins[2:], len(text)]
    return [text[a:b].strip() for a, b in pairwise(begins)]


_NEAR = 20
"""Characters between two words of a text, at most: a word that stands farther on is another."""
