"""For programs that annotate speech: ELAN, Praat, and what scores diarization (RTTM)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import count
from typing import Any, TypeAlias
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from crossspace.transcripts.writers.timed import S, Spoken, lanes, milliseconds

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_ASSOCIATION = "Symbolic_Association"
Value: TypeAlias = Callable[[S], "str | None"]
"""What a tier says of an utterance; nothing where there is nothing to say."""


def eaf(utterances: Sequence[S], tiers: Mapping[str, Value[S]], media: Mapping[str, Any] | None = None) -> str:
    """ELAN: a tier of words per speaker, and for each one of every further kind, which depends on it.

    Args:
        utterances: with times.
        tiers: ``{kind: value}``, what stands in the further tiers; those of ``kind`` are called ``kind@speaker``.
        media: ``{"name", "video"}`` of the recording.
    """
    by_tier = lanes(utterances)
    root = Element(
        "ANNOTATION_DOCUMENT",
        {"AUTHOR": "crossspace", "DATE": datetime.now(timezone.utc).isoformat(timespec="seconds")}
        | {"FORMAT": "3.0", "VERSION": "3.0", "xmlns:xsi": _INSTANCE, "xsi:noNamespaceSchemaLocation": _SCHEMA},
    )
    header = SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if media is not None:
        name = _xml(str(media["name"]))
        kind = "video/*" if media.get("video") else "audio/*"
        SubElement(
            header, "MEDIA_DESCRIPTOR", {"MEDIA_URL": name, "RELATIVE_MEDIA_URL": f"./{name}", "MIME_TYPE": kind}
        )
    order = SubElement(root, "TIME_ORDER")
    slots = _slots(order, by_tier)
    numbers = count(1)
    for name, own in by_tier.items():
        _elan_tiers(root, _xml(name), own, tiers, slots, numbers)
    for kind, dependent in (("speech", False), *((kind, True) for kind in tiers)):
        constraint = {"CONSTRAINTS": _ASSOCIATION} if dependent else {}
        alignable = {"GRAPHIC_REFERENCES": "false", "TIME_ALIGNABLE": str(not dependent).lower()}
        SubElement(root, "LINGUISTIC_TYPE", {"LINGUISTIC_TYPE_ID": kind, **alignable, **constraint})
    described = {"DESCRIPTION": "1-1 association with a parent annotation", "STEREOTYPE": _ASSOCIATION}
    SubElement(root, "CONSTRAINT", described)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _slots(order: Element, by_tier: Mapping[str, Sequence[Spoken]]) -> dict[int, str]:
    """Declares every time once; its name by its milliseconds."""
    times = sorted({t for utterances in by_tier.values() for u in utterances for t in milliseconds(u)})
    slots = {time: f"ts{number}" for number, time in enumerate(times, start=1)}
    for time, slot in slots.items():
        SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(time)})
    return slots


def _elan_tiers(
    root: Element,
    name: str,
    utterances: Sequence[S],
    tiers: Mapping[str, Value[S]],
    slots: Mapping[int, str],
    numbers: Iterator[int],
) -> None:
    about = {"PARTICIPANT": _xml(utterances[0].speaker)}
    words = SubElement(root, "TIER", {"TIER_ID": name, **about, "LINGUISTIC_TYPE_REF": "speech"})
    written = []
    for u in utterances:
        written.append(f"a{next(numbers)}")
        start, end = (slots[t] for t in milliseconds(u))
        times = {"TIME_SLOT_REF1": start, "TIME_SLOT_REF2": end}
        _annotate(words, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": written[-1], **times}, u.text or "")
    for kind, value in tiers.items():
        about_kind = {"TIER_ID": f"{kind}@{name}", "PARENT_REF": name, **about, "LINGUISTIC_TYPE_REF": kind}
        tier = SubElement(root, "TIER", about_kind)
        for u, annotation in zip(utterances, written, strict=True):
            if said := value(u):
                refers = {"ANNOTATION_ID": f"a{next(numbers)}", "ANNOTATION_REF": annotation}
                _annotate(tier, "REF_ANNOTATION", refers, said)


def _annotate(tier: Element, kind: str, attributes: Mapping[str, str], value: str) -> None:
    annotation = SubElement(SubElement(tier, "ANNOTATION"), kind, dict(attributes))
    SubElement(annotation, "ANNOTATION_VALUE").text = _xml(value)


def _xml(text: str) -> str:
    """The text without what XML cannot hold: control codes and halves of characters."""
    return _NO_XML.sub("\ufffd", text)


def textgrid(utterances: Sequence[S], tiers: Mapping[str, Value[S]], duration: float = 0.0) -> str:
    """Praat: for every speaker a tier of words and one of every further kind; between utterances intervals are empty.

    Args:
        utterances: with times.
        tiers: ``{kind: value}``, what stands in the further tiers.
        duration: seconds of the recording, where they are known.
    """
    last = max(round(duration * 1000), *(milliseconds(u)[1] for u in utterances))
    all_tiers: list[tuple[str, list[tuple[int, int, str]]]] = []
    for name, own in lanes(utterances).items():
        titled: dict[str, Value[S]] = {name: lambda u: u.text}
        titled |= {f"{kind}@{name}": value for kind, value in tiers.items()}
        for title, value in titled.items():
            all_tiers.append((title, _filled([(*milliseconds(u), value(u) or "") for u in own], last)))
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {last / 1000}"]
    lines += ["tiers? <exists>", f"size = {len(all_tiers)}", "item []:"]
    for number, (title, intervals) in enumerate(all_tiers, start=1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(title)}"]
        lines += ["        xmin = 0", f"        xmax = {last / 1000}", f"        intervals: size = {len(intervals)}"]
        for place, (start, end, text) in enumerate(intervals, start=1):
            lines += [f"        intervals [{place}]:", f"            xmin = {start / 1000}"]
            lines += [f"            xmax = {end / 1000}", f"            text = {_quoted(text)}"]
    return "\n".join(lines) + "\n"


def _filled(intervals: Sequence[tuple[int, int, str]], last: int) -> list[tuple[int, int, str]]:
    """The same with empty intervals before, between and after them: Praat knows no gaps."""
    filled, before = [], 0
    for start, end, text in intervals:
        filled += [(before, start, "")] if start > before else []
        filled.append((start, end, text))
        before = end
    return filled + ([(before, last, "")] if last > before else [])


def _quoted(text: str) -> str:
    return '"' + " ".join(text.split()).replace('"', '""') + '"'


def rttm(utterances: Sequence[Spoken], recording: str) -> str:
    """Who speaks when, a line per utterance; words and emotions have no place in it. Names are written without spaces.

    Args:
        utterances: with times.
        recording: its name.
    """
    lines = []
    for u in utterances:
        start, end = milliseconds(u)
        times = f"{start / 1000:.3f} {(end - start) / 1000:.3f}"
        speaker = _in_one_word(u.speaker)
        lines.append(f"SPEAKER {_in_one_word(recording)} 1 {times} <NA> <NA> {speaker} <NA> <NA>\n")
    return "".join(lines)


def _in_one_word(name: str) -> str:
    return "_".join(name.split()) or "unknown"
