"""Sentences on what is odd about a recording."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crossspace.features.media.sample_range import samples_in

_REST = 4096
"""Bytes that may follow the last packet of a track: an index, or facts about the file."""


def is_mended(path: Path) -> bool:
    """Whether the header of a file counts its samples wrongly, and all of them are read."""
    samples = samples_in(path)
    return samples is not None and not samples.as_stated


def undecodable(path: Path, kind: str, codec: str) -> str:
    """Nothing of a track could be decoded."""
    return f"{path.name}: nothing of the {kind} track ({codec}) could be decoded; it is left out."


def shortened(path: Path, container: Any, duration: float, origin: float, guessed: bool) -> list[str]:
    """The file ends earlier than it says; not where its length is a guess."""
    stated = (container.duration or 0) / 1e6
    if container.format.name == "matroska,webm":  # counts from second 0 of the file, wherever its tracks begin
        stated -= max(origin, 0.0)
    return [] if guessed else _cut_short(path, stated, duration)


def _cut_short(path: Path, stated: float, duration: float) -> list[str]:
    # Two percent and a second: what containers say is rounded, and the last packet often has no duration.
    if stated - duration <= max(1.0, 0.02 * stated):
        return []
    return [
        f"{path.name} says that it lasts {stated:.1f} seconds, but ends after {duration:.1f}: it was probably cut "
        "short."
    ]


def unread(path: Path, container: Any, duration: float, read: int) -> list[str]:
    """FFmpeg reads FLV up to the header of a second recording, as if the file ended there."""
    if container.format.name != "flv" or path.stat().st_size - read <= _REST:
        return []
    return [
        f"{path.name}: what follows after {duration:.1f} seconds cannot be read and is left out; the recording "
        "probably begins anew there. Join its parts with a program that makes one recording of them."
    ]


def miscounted(path: Path, duration: float) -> list[str]:
    """The header of WAV and its like counts more or less sound than there is, or another recording follows."""
    samples = samples_in(path)
    if samples is None or samples.end <= samples.begin:
        return []
    notes = []
    if samples.stated is not None:
        stated = duration * samples.stated / (samples.end - samples.begin)
        notes += _cut_short(path, stated, duration)
        if not samples.as_stated and duration - stated > _LEAST:
            notes.append(
                f"{path.name}: its header counts {stated:.1f} seconds of sound, the file holds {duration:.1f}; all of "
                "it is read."
            )
    if samples.another:
        notes.append(
            f"{path.name}: another recording follows after {duration:.1f} seconds in the same file and is left out. "
            "Join them with a program that makes one recording of them."
        )
    return notes


_LEAST = 0.05
"""Seconds of sound that the header does not count and that are worth a word."""


def several_pictures(path: Path, streams: Sequence[Any]) -> list[str]:
    """Of several videos only one is seen."""
    if len(streams) < 2:
        return []
    numbers = [stream.index for stream in streams]
    seen = 1 + sorted(numbers).index(numbers[0])
    return [f"{path.name} has {len(numbers)} video tracks, of which number {seen} is seen, as players take it."]
