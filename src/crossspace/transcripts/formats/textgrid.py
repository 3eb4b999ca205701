"""Praat's TextGrid, in its long, short and chronological form."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crossspace.errors import DataError
from crossspace.transcripts.clock import seconds
from crossspace.transcripts.format import Format
from crossspace.transcripts.tiers import Span, Tier, transcript_of
from crossspace.transcripts.transcript import Transcript

_TOKEN = re.compile(r'"(?P<text>[^"]*(?:""[^"]*)*)"|(?<!\S)(?P<number>[-+]?\d[^\s"]*)|(?<!\S)![^\n]*')
"""Praat reads texts in quotes and numbers that stand free; everything else in a file is there for people."""
_POINTS = {"IntervalTier": False, "TextTier": True}
_CHRONOLOGICAL = "Praat chronological TextGrid text file"
_SIGN = re.compile(
    rf'\ufeff?\s*(?:File type = )?"(?:ooTextFile(?: short)?"\s+(?:Object class = )?"TextGrid|{_CHRONOLOGICAL})"'
)


def parse_textgrid(text: str, name: str) -> Transcript:
    """The speech of a TextGrid: a tier is a speaker. Stretches without a text are silence.

    Raises:
        DataError: there are more or fewer tiers or annotations than it says, or no tier holds speech.
    """
    head = _SIGN.match(text)
    if head is None:
        raise DataError(
            f'{name} should be a TextGrid, which begins with File type = "ooTextFile" and Object class = "TextGrid". '
            "Save it in Praat as a text file."
        )
    values = _Values(text, head.end(), name)
    values.number("the beginning")
    values.number("the end")
    count = values.number("the number of tiers")
    if _CHRONOLOGICAL in head.group():
        return transcript_of(_chronological(values, count), name)
    return transcript_of(_tiers(values, int(count)), name)


def _tiers(values: _Values, count: int) -> Iterator[Tier]:
    for number in range(1, count + 1):
        yield _tier(values, number)
    if not values.at_end:
        raise values.fault(f"no more than {count} tiers, as the file says at its beginning", "more")


def _tier(values: _Values, number: int) -> Tier:
    tier = _begun(values, number)
    values.number("its beginning")
    values.number("its end")
    for own in range(1, int(values.number("the number of its annotations")) + 1):
        values.place = f"tier {tier.name!r}, annotation {own}"
        _add(tier, values)
    return tier


def _begun(values: _Values, number: int) -> Tier:
    values.place = f"tier {number}"
    kind = values.text("IntervalTier or TextTier")
    if kind not in _POINTS:
        raise values.fault("IntervalTier or TextTier", repr(kind[:40]))
    return Tier(values.text("a name"), points=_POINTS[kind])


def _add(tier: Tier, values: _Values) -> None:
    start = values.number("a time")
    # Moments have no end: where the next begins says nothing about how long one lasts.
    end = start if tier.points else values.number("a time")
    said = values.text("a text").strip()
    if said:
        tier.spans.append(Span(said, start, None if tier.points else end))


def _chronological(values: _Values, count: float) -> list[Tier]:
    """All tiers' annotations by time, each with the number of its tier."""
    tiers = []
    for number in range(1, int(count) + 1):
        tiers.append(_begun(values, number))
        values.number("its beginning")
        values.number("its end")
    entry = 0
    while not values.at_end:
        entry += 1
        values.place = f"annotation {entry}"
        which = values.number("the number of a tier")
        if not 1 <= which <= len(tiers):
            raise values.fault(f"the number of one of {len(tiers)} tiers", f"{which:g}")
        _add(tiers[int(which) - 1], values)
    return tiers


class _Values:
    """The texts and numbers of a file in their order; ``place`` says where the reader is."""

    def __init__(self, text: str, at: int, name: str) -> None:
        self._tokens = self._found(text, at)
        self._next = next(self._tokens, None)
        self._name = name
        self.place = "its head"

    @staticmethod
    def _found(text: str, at: int) -> Iterator[tuple[str | None, str | None]]:
        for match in _TOKEN.finditer(text, at):
            if match.lastgroup:
                yield match["text"], match["number"]

    @property
    def at_end(self) -> bool:
        return self._next is None

    def _take(self) -> tuple[str | None, str | None]:
        taken = self._next or (None, None)
        self._next = next(self._tokens, None)
        return taken

    def text(self, expected: str) -> str:
        text, number = self._take()
        if text is None:
            raise self.fault(f"{expected} in quotes", number)
        return text.replace('""', '"')

    def number(self, expected: str) -> float:
        text, number = self._take()
        value = seconds(number) if number is not None else None
        if value is None:
            raise self.fault(f"{expected}, a number", number or (None if text is None else repr(text[:40])))
        return value

    def fault(self, expected: str, seen: str | None) -> DataError:
        return DataError(
            f"{self._name}, {self.place}, should have {expected}. Found {'the end' if seen is None else seen[:60]}. "
            "Open it in Praat and save it again as a text file."
        )


TEXTGRID = Format("Praat TextGrid", lambda text: _SIGN.match(text) is not None, parse_textgrid, (".textgrid",))
