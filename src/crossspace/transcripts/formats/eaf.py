"""ELAN (``.eaf``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossspace.errors import DataError
from crossspace.transcripts.clock import seconds
from crossspace.transcripts.format import Format
from crossspace.transcripts.tidy import listed
from crossspace.transcripts.tiers import Span, Tier, transcript_of
from crossspace.transcripts.transcript import Transcript
from crossspace.transcripts.xml_events import Closing, Content, Opening, events_of, root_of

_LONGEST_CHAIN = 100
"""Annotations that describe each other in a row."""
_Times = tuple[float | None, float | None]


def parse_eaf(text: str, name: str) -> Transcript:
    """The speech of an ELAN file: the tiers that describe no other, each by its participant, else by its own name.

    Tiers that describe others (translations, glosses) and those with a closed list of values are named in a note; one
    of emotions gives labels.

    Raises:
        DataError: it is no such XML, counts time in frames, or holds no speech.
    """
    document = _Document(name)
    for event in events_of(text, name):
        match event:
            case Opening(element, attributes):
                document.open(element, attributes)
            case Closing("ANNOTATION_VALUE"):
                document.end_value()
            case Content(part) if document.parts is not None:
                document.parts.append(part)
    return transcript_of(document.resolved(), name, document.notes())


@dataclass
class _Document:
    """What was read of a file so far; ``parts`` is the text of the annotation that is being read."""

    name: str
    slots: dict[str, float | None] = field(default_factory=dict)
    tiers: list[Tier] = field(default_factory=list)
    closed: set[str] = field(default_factory=set)
    times: dict[str, _Times] = field(default_factory=dict)
    describes: dict[str, str] = field(default_factory=dict)
    parts: list[str] | None = None
    shift: float = 0.0
    lost: list[str] = field(default_factory=list)
    annotation: str = ""

    def open(self, element: str, attributes: Mapping[str, str]) -> None:
        get = attributes.get
        match element:
            case "HEADER" if get("TIME_UNITS", "milliseconds") != "milliseconds":
                raise DataError(
                    f"{self.name} should count time in milliseconds. Found {get('TIME_UNITS', '')[:40]!r}. Set "
                    "milliseconds in ELAN and save it again."
                )
            case "MEDIA_DESCRIPTOR":
                self.shift = self.shift or seconds(get("TIME_ORIGIN", "0"), 1000) or 0.0
            case "TIME_SLOT":
                self.slots[get("TIME_SLOT_ID", "")] = seconds(get("TIME_VALUE", ""), 1000)
            case "TIER":
                person, parent = get("PARTICIPANT", "").strip(), get("PARENT_REF", "")
                tier = get("TIER_ID", "") or f"tier {len(self.tiers) + 1}"
                self.tiers.append(Tier(tier, [], person, parent, get("LINGUISTIC_TYPE_REF", "")))
            case "ALIGNABLE_ANNOTATION" | "REF_ANNOTATION":
                self._begin(attributes)
            case "ANNOTATION_VALUE":
                self.parts = []
            case "LINGUISTIC_TYPE" if get("CONTROLLED_VOCABULARY_REF"):
                self.closed.add(get("LINGUISTIC_TYPE_ID", ""))

    def _begin(self, attributes: Mapping[str, str]) -> None:
        self.annotation = attributes.get("ANNOTATION_ID", "")
        if "ANNOTATION_REF" in attributes:
            self.describes[self.annotation] = attributes["ANNOTATION_REF"]
            return
        start, end = (self.slots.get(attributes.get(f"TIME_SLOT_REF{which}", "")) for which in (1, 2))
        self.times[self.annotation] = (start, end)
        if start is None or end is None:
            self.lost.append(self.annotation)

    def end_value(self) -> None:
        if self.tiers and self.parts is not None:
            self.tiers[-1].spans.append(Span("".join(self.parts).strip(), None, None, self.annotation))
        self.parts = None

    def resolved(self) -> list[Tier]:
        """The tiers with the times of their annotations; what describes another has the times of that one."""
        for tier in self.tiers:
            tier.closed = tier.kind in self.closed
            for span in tier.spans:
                span.start, span.end = self._times_of(span.id)
        return self.tiers

    def _times_of(self, annotation: str) -> _Times:
        chain: list[str] = []
        # Bounded, since a damaged file can describe itself in a circle.
        while annotation not in self.times and annotation in self.describes and len(chain) < _LONGEST_CHAIN:
            chain.append(annotation)
            annotation = self.describes[annotation]
        times = self.times.get(annotation, (None, None))
        self.times.update(dict.fromkeys(chain, times))
        return times

    def notes(self) -> list[str]:
        notes = []
        if self.shift:
            notes.append(
                f"The recording is shifted by {self.shift:g} s (TIME_ORIGIN); times are those of the annotation."
            )
        if self.lost:
            notes.append(f"{len(self.lost)} annotations have a time slot without a value ({listed(self.lost)}).")
        return notes


EAF = Format("ELAN", lambda text: root_of(text) == "ANNOTATION_DOCUMENT", parse_eaf, (".eaf",))
