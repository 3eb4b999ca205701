"""TTML and DFXP, captions in XML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossspace.errors import DataError
from crossspace.transcripts.format import Format
from crossspace.transcripts.formats.cues import Block, entries_of
from crossspace.transcripts.spaces import joined
from crossspace.transcripts.tidy import Entries, listed, tidied
from crossspace.transcripts.tiers import in_time
from crossspace.transcripts.transcript import UNKNOWN_SPEAKER, Cue, Transcript
from crossspace.transcripts.ttml_clock import TtmlClock, clock_of
from crossspace.transcripts.xml_events import Closing, Content, Opening, events_of, root_of

_UNSPOKEN = ("metadata", "head", "set", "animate")


def parse_ttml(text: str, name: str) -> Transcript:
    """The paragraphs of a TTML file; ``ttm:agent`` says who speaks.

    Raises:
        DataError: it is no such XML, gives its times in a way that is not known, or holds no utterance.
    """
    document = _Document(name)
    for event in events_of(text, name):
        match event:
            case Opening(element, attributes):
                document.open(element, attributes)
            case Closing(element):
                document.close(element)
            case Content(part):
                # A new line in the file is a space; only <br/> begins one that is seen.
                document.add(part.replace("\n", " "))
    entries, notes = document.entries(), []
    if document.unread:
        notes.append(f"{len(document.unread)} times cannot be read and are unknown ({listed(document.unread)}).")
    if document.outside:
        notes.append(f"{len(document.outside)} texts stand in no caption; left out ({listed(document.outside)}).")
    return tidied(in_time(entries, name), name, notes)


@dataclass
class _Open:
    """An element that has not ended: when it begins and ends, and who speaks in it."""

    name: str
    start: float | None
    end: float | None
    agent: str


@dataclass
class _Paragraph:
    """What is said in a paragraph, by whom, and the times of its parts where it has none itself."""

    number: int
    start: float | None
    end: float | None
    said: list[tuple[str, list[str]]] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)


class _Document:
    """What was read of a file so far."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._clock = TtmlClock()
        self._stack: list[_Open] = []
        self._paragraphs: list[_Paragraph] = []
        self._inside: list[_Paragraph] = []
        self._agents: dict[str, str] = {}
        self._agent, self._agent_name = "", list[str]()
        self.unread: list[str] = []
        self.outside: list[str] = []

    def open(self, element: str, attributes: Mapping[str, str]) -> None:
        if not self._stack:
            self._clock = clock_of(attributes, self._name)
        if attributes.get("timeContainer") == "seq":
            raise DataError(
                f'{self._name} should give the times of captions themselves. Found timeContainer="seq", where each '
                "begins when another ends. Save it as WebVTT or SRT."
            )
        if element == "agent":
            self._agent, self._agent_name = attributes.get("id", ""), []
            self._agents.setdefault(self._agent, self._agent)
        around = self._stack[-1] if self._stack else _Open("", None, None, "")
        own = self._timed(element, attributes, around)
        own.agent = (attributes.get("agent") or around.agent).split(" ")[0]
        self._stack.append(own)
        if element == "p":
            self._inside.append(_Paragraph(len(self._paragraphs) + 1, own.start, own.end))
            self._paragraphs.append(self._inside[-1])
        elif element == "br":
            self.add("\n")
        elif self._inside and {"begin", "end", "dur"} & set(attributes):
            self._inside[-1].starts += [own.start] if own.start is not None else []
            self._inside[-1].ends += [own.end] if own.end is not None else []

    def _timed(self, element: str, attributes: Mapping[str, str], around: _Open) -> _Open:
        """Times count from the beginning of the element around."""
        base = around.start or 0.0
        times: dict[str, float | None] = {}
        for key in {"begin", "end", "dur"} & set(attributes):
            times[key] = self._clock.seconds(attributes[key])
            if times[key] is None:
                self.unread.append(f"{key} {attributes[key][:30]!r} of caption {len(self._paragraphs) + 1}")
        begin, end, length = times.get("begin"), times.get("end"), times.get("dur")
        start = base + begin if begin is not None else around.start
        ends = [base + end] if end is not None else []
        ends += [(start or 0.0) + length] if length is not None else []
        return _Open(element, start, min(ends) if ends else around.end, "")

    def close(self, element: str) -> None:
        self._stack.pop()
        if element == "agent" and (said := joined("".join(self._agent_name))):
            self._agents[self._agent] = said
        elif element == "p":
            self._inside.pop()

    def add(self, text: str) -> None:
        around = [element.name for element in self._stack]
        if "agent" in around and around[-1] == "name":
            self._agent_name.append(text)
        elif any(name in _UNSPOKEN for name in around):
            return
        elif self._inside:
            agent, said = self._stack[-1].agent, self._inside[-1].said
            if not said or said[-1][0] != agent:
                # White space between two speakers is nobody's.
                if not text.strip():
                    return
                said.append((agent, []))
            said[-1][1].append(text)
        elif text.strip():
            self.outside.append(repr(joined(text)[:40]))

    def entries(self) -> Entries:
        """Every paragraph, one entry per speaker of it."""
        named, unnamed = Entries(self._name), list[Block]()
        for paragraph in self._paragraphs:
            start = paragraph.start if paragraph.start is not None else min(paragraph.starts, default=None)
            end = paragraph.end if paragraph.end is not None else max(paragraph.ends, default=None)
            for agent, parts in paragraph.said:
                if agent:
                    speaker = self._agents.get(agent, agent).strip() or UNKNOWN_SPEAKER
                    named.add(f"caption {paragraph.number}", Cue(joined("".join(parts)), speaker, start, end))
                elif said := "".join(parts).strip():
                    unnamed.append(
                        Block(paragraph.number, start, end, [line for line in said.split("\n") if line.strip()])
                    )
        return in_time([*named, *entries_of(unnamed, self._name)], self._name) if unnamed else named


TTML = Format("TTML", lambda text: root_of(text) == "tt", parse_ttml, (".ttml", ".dfxp"))
