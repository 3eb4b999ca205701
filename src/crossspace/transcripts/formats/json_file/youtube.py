"""Captions of YouTube as youtube-transcript-api and yt-dlp (json3) keep them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

from crossspace.transcripts.clock import Amount
from crossspace.transcripts.formats.json_file.service import Reading, Service
from crossspace.transcripts.formats.json_file.values import at, objects, string, time
from crossspace.transcripts.rows import Row
from crossspace.transcripts.units import MILLISECONDS, SECONDS

_KEYS = {"text", "start", "duration", "lang"}


def _snippets(content: Any) -> list[dict[str, Any]]:
    items = objects(at(content, "snippets") if isinstance(content, dict) else content)
    own = items and all({"text", "start", "duration"} <= set(item) <= _KEYS for item in items)
    # The service writes fractions; whole numbers throughout are somebody else's, and of unknown unit.
    return items if own and any(isinstance(item["start"], float) for item in items) else []


def _is_own(content: Any) -> bool:
    return bool(_snippets(content)) or (isinstance(at(content, "events"), list) and "wireMagic" in content)


def _read(content: Any) -> Reading:
    snippets = _snippets(content)
    rows = list(_of_snippets(snippets) if snippets else _of_events(objects(content["events"])))
    rows, rolling = _until_next(rows)
    notes = ["Captions stay on the screen while the next ones come; each was ended where the next begins."]
    return Reading(rows, SECONDS if snippets else MILLISECONDS, notes=notes if rolling else [])


def _of_snippets(snippets: list[dict[str, Any]]) -> Iterator[Row]:
    for number, item in enumerate(snippets, start=1):
        start, length = time(item, ("start",)), time(item, ("duration",))
        yield Row(f"caption {number}", string(item["text"]) or "", start=start, duration=length)


def _of_events(events: list[dict[str, Any]]) -> Iterator[Row]:
    for number, event in enumerate(events, start=1):
        text = "".join(string(part.get("utf8")) or "" for part in objects(event.get("segs")))
        # Events that only move the window have no text, or a line break.
        if text.strip():
            start, length = time(event, ("tStartMs",)), time(event, ("dDurationMs",))
            yield Row(f"event {number}", text, start=start, duration=length)


def _until_next(rows: list[Row]) -> tuple[list[Row], bool]:
    """Captions that end before the next begins, where most of them roll into each other."""
    gaps = [_gap(a, b) for a, b in pairwise(rows)]
    rolling = sum(gap is not None and gap < 0 for gap in gaps) > len(gaps) / 2
    if not rolling:
        return rows, False
    ended = list(rows)
    for row, gap in enumerate(gaps):
        length = rows[row].duration
        if gap is not None and gap < 0 and length:
            ended[row] = replace(rows[row], duration=Amount(length.number + gap, length.unit))
    return ended, True


def _gap(row: Row, following: Row) -> float | None:
    """How long after the end of a caption the next begins; negative where they overlap."""
    if not (row.start and row.duration and following.start) or following.start.number <= row.start.number:
        return None
    return following.start.number - row.start.number - row.duration.number


YOUTUBE = Service("YouTube captions", _is_own, _read)
