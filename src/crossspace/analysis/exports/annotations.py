"""An analysis for programs that annotate speech: ELAN, Praat, and what scores diarization (RTTM)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import count
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.analysis.exports.timed import lanes, milliseconds, timed

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SCHEMA = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_ASSOCIATION = "Symbolic_Association"
EMOTION, CONFIDENCE, CORRECTED = "predicted emotion", "predicted confidence", "corrected emotion"


def to_eaf(analysis: Analysis) -> str:
    """ELAN: a tier of words per speaker, and for each the tiers of emotions and of their confidence that depend on it.

    Those of emotions are called predicted, so that nobody takes them for what a person has annotated. What a person
    corrected stands in a tier of its own.

    Raises:
        DataError: no utterance has times.
    """
    by_tier = lanes(timed(analysis, "ELAN"))
    root = Element(
        "ANNOTATION_DOCUMENT",
        {"AUTHOR": "crossspace", "DATE": datetime.now(timezone.utc).isoformat(timespec="seconds")}
        | {"FORMAT": "3.0", "VERSION": "3.0", "xmlns:xsi": _INSTANCE, "xsi:noNamespaceSchemaLocation": _SCHEMA},
    )
    header = SubElement(root, "HEADER", {"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if analysis.media is not None:
        name = _xml(str(analysis.media["name"]))
        kind = "video/*" if analysis.media.get("video") else "audio/*"
        SubElement(
            header, "MEDIA_DESCRIPTOR", {"MEDIA_URL": name, "RELATIVE_MEDIA_URL": f"./{name}", "MIME_TYPE": kind}
        )
    order = SubElement(root, "TIME_ORDER")
    slots = _slots(order, by_tier)
    numbers = count(1)
    for name, utterances in by_tier.items():
        _elan_tiers(root, _xml(name), utterances, slots, numbers)
    for kind, dependent in (("speech", False), (EMOTION, True), (CONFIDENCE, True), (CORRECTED, True)):
        constraint = {"CONSTRAINTS": _ASSOCIATION} if dependent else {}
        alignable = {"GRAPHIC_REFERENCES": "false", "TIME_ALIGNABLE": str(not dependent).lower()}
        SubElement(root, "LINGUISTIC_TYPE", {"LINGUISTIC_TYPE_ID": kind, **alignable, **constraint})
    described = {"DESCRIPTION": "1-1 association with a parent annotation", "STEREOTYPE": _ASSOCIATION}
    SubElement(root, "CONSTRAINT", described)
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _slots(order: Element, by_tier: Mapping[str, Sequence[UtteranceAnalysis]]) -> dict[int, str]:
    """Declares every time once; its name by its milliseconds."""
    times = sorted({t for utterances in by_tier.values() for u in utterances for t in milliseconds(u)})
    slots = {time: f"ts{number}" for number, time in enumerate(times, start=1)}
    for time, slot in slots.items():
        SubElement(order, "TIME_SLOT", {"TIME_SLOT_ID": slot, "TIME_VALUE": str(time)})
    return slots


def _elan_tiers(
    root: Element,
    name: str,
    utterances: Sequence[UtteranceAnalysis],
    slots: Mapping[int, str],
    numbers: Iterator[int],
) -> None:
    about = {"PARTICIPANT": _xml(utterances[0].speaker)}
    words = SubElement(root, "TIER", {"TIER_ID": name, **about, "LINGUISTIC_TYPE_REF": "speech"})
    written = {}
    for u in utterances:
        written[u.id] = f"a{next(numbers)}"
        start, end = (slots[t] for t in milliseconds(u))
        times = {"TIME_SLOT_REF1": start, "TIME_SLOT_REF2": end}
        _annotate(words, "ALIGNABLE_ANNOTATION", {"ANNOTATION_ID": written[u.id], **times}, u.text or "")
    for kind, values in _values(utterances).items():
        own = {"TIER_ID": f"{kind}@{name}", "PARENT_REF": name, **about, "LINGUISTIC_TYPE_REF": kind}
        tier = SubElement(root, "TIER", own)
        for u, value in values:
            refers = {"ANNOTATION_ID": f"a{next(numbers)}", "ANNOTATION_REF": written[u.id]}
            _annotate(tier, "REF_ANNOTATION", refers, value)


def _values(utterances: Sequence[UtteranceAnalysis]) -> dict[str, list[tuple[UtteranceAnalysis, str]]]:
    """What stands in each tier beside the words of a speaker; that of corrections is there only where there are any."""
    corrected = [(u, u.corrected) for u in utterances if u.corrected is not None]
    return {
        EMOTION: [(u, u.label) for u in utterances],
        CONFIDENCE: [(u, f"{u.confidence:.3f}") for u in utterances],
        **({CORRECTED: corrected} if corrected else {}),
    }


def _annotate(tier: Element, kind: str, attributes: Mapping[str, str], value: str) -> None:
    annotation = SubElement(SubElement(tier, "ANNOTATION"), kind, dict(attributes))
    SubElement(annotation, "ANNOTATION_VALUE").text = _xml(value)


def _xml(text: str) -> str:
    """The text without what XML cannot hold: control codes and halves of characters."""
    return _NO_XML.sub("\ufffd", text)


def to_textgrid(analysis: Analysis) -> str:
    """Praat: for every speaker a tier of words, one of emotions, and one of corrected ones where there are any.

    Between utterances intervals are empty.

    Raises:
        DataError: no utterance has times.
    """
    utterances = timed(analysis, "Praat")
    duration = float((analysis.media or {}).get("duration") or 0.0)
    last = max(round(duration * 1000), *(milliseconds(u)[1] for u in utterances))
    tiers: list[tuple[str, list[tuple[int, int, str]]]] = []
    for name, own in lanes(utterances).items():
        values = _values(own)
        spoken = {name: [(u, u.text or "") for u in own]}
        spoken |= {f"{kind}@{name}": values[kind] for kind in (EMOTION, CORRECTED) if kind in values}
        for title, said in spoken.items():
            tiers.append((title, _filled([(*milliseconds(u), value) for u, value in said], last)))
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {last / 1000}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (title, intervals) in enumerate(tiers, start=1):
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


def to_rttm(analysis: Analysis) -> str:
    """Who speaks when, a line per utterance; words and emotions have no place in it. Names are written without spaces.

    Raises:
        DataError: no utterance has times.
    """
    recording = _in_one_word(analysis.conversation_id)
    lines = []
    for u in timed(analysis, "RTTM"):
        start, end = milliseconds(u)
        times = f"{start / 1000:.3f} {(end - start) / 1000:.3f}"
        lines.append(f"SPEAKER {recording} 1 {times} <NA> <NA> {_in_one_word(u.speaker)} <NA> <NA>\n")
    return "".join(lines)


def _in_one_word(name: str) -> str:
    return "_".join(name.split()) or "unknown"
