"""The elements of an XML file one after the other, in bounded memory and without anything that XML can expand to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from xml.parsers import expat

from crossspace.errors import DataError
from crossspace.transcripts.bounds import MOST_VALUES

DEEPEST = 100
"""Elements inside of each other; transcripts have about ten."""
LONGEST_TAG = 1_000_000
"""Bytes of a tag with its attributes, or of a comment: a parser keeps all of it until it ends."""
_PIECE = 65_536
_HEAD = 65_536

_ROOT = re.compile(r"\ufeff?\s*(?:<\?[^<>]*>\s*)?(?:<!--(?:(?!-->).)*-->\s*)*<([A-Za-z_][\w.:-]*)[\s/>]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Opening:
    """An element begins. Names come without prefix; of two attributes of one name the one without prefix counts."""

    name: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Closing:
    """An element ends."""

    name: str


@dataclass(frozen=True, slots=True)
class Content:
    """Text between tags, or a part of it."""

    text: str


Event = Opening | Closing | Content


def root_of(text: str) -> str | None:
    """The name of the first element of a text that begins as XML does, without its prefix."""
    match = _ROOT.match(text[:_HEAD])
    return _local(match.group(1)) if match else None


def events_of(text: str, name: str) -> Iterator[Event]:
    """The events of a text; see :func:`events`."""
    return events((text[at : at + _PIECE] for at in range(0, len(text), _PIECE)), name)


def events(pieces: Iterable[str] | Iterable[bytes], name: str) -> Iterator[Event]:
    """What is in an XML file, in its order.

    Args:
        pieces: the file, cut anywhere.
        name: how messages call it.

    Raises:
        DataError: it is no XML, declares a document type, or is larger or deeper than any transcript.
    """
    reader = _Reader(name)
    fed = 0
    for piece in pieces:
        fed += len(piece.encode("utf-8")) if isinstance(piece, str) else len(piece)
        yield from reader.feed(piece)
        if fed - reader.parser.CurrentByteIndex > LONGEST_TAG:
            raise DataError(f"{name} should have tags of at most {LONGEST_TAG:,} bytes. Found a longer one.")
    yield from reader.feed("", last=True)


class _Reader:
    """Hands on what the parser finds, and counts it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._depth = self._elements = 0
        self._waiting: list[Event] = []
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._open
        self.parser.EndElementHandler = self._close
        self.parser.CharacterDataHandler = lambda text: self._waiting.append(Content(text))
        # Before any entity is declared: entities that hold entities grow without bound, external ones read other files.
        self.parser.StartDoctypeDeclHandler = self._refuse_type

    def feed(self, piece: str | bytes, last: bool = False) -> list[Event]:
        self._waiting = []
        try:
            self.parser.Parse(piece, last)
        except expat.ExpatError as error:
            raise DataError(
                f"{self._name} should be XML that is whole. Found: {error}. Save it again in its program."
            ) from error
        return self._waiting

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > DEEPEST:
            raise DataError(f"{self._name} should have elements at most {DEEPEST} deep. Found deeper ones.")
        if self._elements > MOST_VALUES:
            raise DataError(
                f"{self._name} should have at most {MOST_VALUES:,} elements. Found more. Cut it into parts."
            )
        if any(":" in key for key in attributes):
            attributes = {**{_local(key): value for key, value in attributes.items()}, **attributes}
        self._waiting.append(Opening(_local(name), attributes))

    def _close(self, name: str) -> None:
        self._depth -= 1
        self._waiting.append(Closing(_local(name)))

    def _refuse_type(self, *declaration: object) -> None:
        raise DataError(
            f"{self._name} should be XML without a document type. Found <!DOCTYPE ...>, which can declare text that "
            "grows without end and name other files. Remove it, or save the transcript in another format."
        )


def _local(name: str) -> str:
    return name.rpartition(":")[2]
