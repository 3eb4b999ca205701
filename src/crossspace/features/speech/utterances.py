"""From recognised words to utterances of one speaker and of sensible length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from crossspace.features.speech.recognisers.base import HeardWord
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue
from crossspace.transcripts.words import PAUSE, Word, joined_words

_BREATH = 0.3
"""Seconds of silence behind a sentence after which the next one is another utterance, however short both are."""
_SHORT = 2.0
"""Seconds; a shorter sentence goes with the next one, where no breath is between them."""
_LONG = 15.0
"""Seconds; a longer sentence is cut where the speaker pauses longest."""
_COMMA = 0.3
"""Seconds that a comma counts as, when a place to cut is looked for."""
_ENDS = (".", "?", "!", "…", "。", "？", "！")
_COMMAS = (",", ";", ":", "，", "、", "；", "：")
_ABBREVIATED = frozenset({"mr.", "mrs.", "ms.", "dr.", "st.", "prof.", "sr.", "jr.", "vs."})


@dataclass(frozen=True)
class SpokenWord:
    """A word and who says it.

    Attributes:
        heard: the word, with times of the recording.
        speaker: number of the speaker; ``None`` where speakers were not told apart.
        certainty: from 0 to 1, how sure that is; ``None`` where nothing had to be found out.
    """

    heard: HeardWord
    speaker: int | None = None
    certainty: float | None = None


def cues_of(words: Sequence[SpokenWord], names: Sequence[str] = ()) -> list[Cue]:
    """Utterances of words in the order of time.

    An utterance ends where another speaker begins; at a pause of a second; at the end of a sentence that lasted two
    seconds or is followed by a pause of 0.3; and, where a sentence is longer than 15 seconds, at its longest pauses.

    Args:
        words: of a recording.
        names: of the speakers by their number; ``speaker 1`` and so on, in the order of their first words, where none
            are given.
    """
    groups = [part for group in _groups(words) for part in _bearable(group)]
    order = {number: place for place, number in enumerate(dict.fromkeys(w.speaker for w in words), start=1)}
    return [_cue(group, _name(group[0].speaker, order, names)) for group in groups]


def _groups(words: Sequence[SpokenWord]) -> Iterator[list[SpokenWord]]:
    group: list[SpokenWord] = []
    for word in words:
        if group and _parted(group, word):
            yield group
            group = []
        group.append(word)
    if group:
        yield group


def _parted(group: Sequence[SpokenWord], word: SpokenWord) -> bool:
    """Whether another utterance begins with a word."""
    last = group[-1]
    pause = word.heard.start - last.heard.end
    if word.speaker != last.speaker or pause >= PAUSE:
        return True
    lasted = last.heard.end - group[0].heard.start
    return ends_sentence(last.heard.text) and (pause >= _BREATH or lasted >= _SHORT)


def ends_sentence(text: str) -> bool:
    """Whether a sentence ends with a word, as far as its signs say: titles and initials end none."""
    word = text.strip().rstrip("\"'”’)]»")
    initial = len(word) == 2 and word[0].isupper() and word[0] != "I"
    return word.endswith(_ENDS) and word.lower() not in _ABBREVIATED and not (initial and word.endswith("."))


def _bearable(group: list[SpokenWord]) -> Iterator[list[SpokenWord]]:
    """A group in parts that are not too long, cut at the longest pauses."""
    waiting = [group]
    while waiting:
        part = waiting.pop()
        if len(part) < 2 or part[-1].heard.end - part[0].heard.start <= _LONG:
            yield part
            continue
        at = _place_to_cut(part)
        waiting += [part[at:], part[:at]]


def _place_to_cut(part: Sequence[SpokenWord]) -> int:
    begin, end = part[0].heard.start, part[-1].heard.end

    def worth(at: int) -> tuple[float, float]:
        before, after = part[at - 1].heard, part[at].heard
        pause = after.start - before.end + (_COMMA if before.text.strip().endswith(_COMMAS) else 0.0)
        # Near an edge a cut would leave a word or two; of equal places the middle one is best.
        edge = min(after.start - begin, end - after.start)
        return (pause if edge >= _SHORT else pause - 10.0), edge

    return max(range(1, len(part)), key=worth)


def _cue(group: Sequence[SpokenWord], speaker: str) -> Cue:
    certain = [word.certainty for word in group if word.certainty is not None]
    recognised = {"text": _mean([word.heard.confidence for word in group])}
    if certain:
        recognised["speaker"] = _mean(certain)
    text = joined_words([Word(word.heard.text) for word in group])
    start, end = group[0].heard.start, max(word.heard.end for word in group)
    return Cue(text, speaker, round(start, 3), round(end, 3), recognised=recognised)


def _mean(values: Sequence[float]) -> float:
    return round(min(1.0, max(0.0, sum(values) / len(values))), 4)


def _name(number: int | None, order: dict[int | None, int], names: Sequence[str]) -> str:
    if number is None:
        return UNKNOWN_SPEAKER
    return names[number] if names else f"speaker {order[number]}"
