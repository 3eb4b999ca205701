"""Times as TTML writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from crossspace.data.conversation_json import LATEST
from crossspace.errors import DataError

_CLOCK = re.compile(r"(\d{2,4}):(\d{1,2}):(\d{1,2})(?:(\.\d{1,9})|:(\d{1,4})(?:\.\d{1,4})?)?")
_OFFSET = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)(h|ms|m|s|f|t)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


@dataclass(frozen=True)
class TtmlClock:
    """How a file counts.

    Attributes:
        frames: a second.
        ticks: a second.
        stretch: of hours, minutes and seconds, where these are a way to write numbers of frames.
    """

    frames: float = 30.0
    ticks: float = 1.0
    stretch: float = 1.0

    def seconds(self, written: str) -> float | None:
        """Seconds of ``00:01:02.5``, ``00:01:02:12`` (frames), ``62.5s``, ``620t``; ``None`` where it is no time."""
        written = written.strip()
        if match := _CLOCK.fullmatch(written):
            hours, minutes, seconds, part, frames = match.groups()
            whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(part or 0)
            time = whole * self.stretch + int(frames or 0) / self.frames
        elif match := _OFFSET.fullmatch(written):
            units = {**_UNITS, "f": 1 / self.frames, "t": 1 / self.ticks}
            time = float(match.group(1)) * units[match.group(2)]
        else:
            return None
        return round(time, 9) if time <= LATEST else None


def clock_of(attributes: Mapping[str, str], name: str) -> TtmlClock:
    """The clock that the root of a file describes.

    Raises:
        DataError: it counts by a clock on the wall, or its rates are no numbers above 0.
    """
    if (base := attributes.get("timeBase", "media")) not in ("media", "smpte"):
        raise DataError(
            f"{name} should count from the beginning of the recording. Found timeBase={base[:40]!r}. Save it as WebVTT."
        )
    rate = nominal = _number(attributes.get("frameRate"), name) or 30.0
    if multiplier := attributes.get("frameRateMultiplier"):
        # Two numbers: "1000 1001", or "1000:1001" in older files.
        above, _, below = multiplier.replace(":", " ").strip().partition(" ")
        rate *= (_number(above, name) or 1.0) / (_number(below or "1", name) or 1.0)
    # Without a rate of ticks they are frames where there are frames, and seconds otherwise.
    sub = _number(attributes.get("subFrameRate"), name) or 1.0
    ticks = _number(attributes.get("tickRate"), name) or (rate * sub if "frameRate" in attributes else 1.0)
    # SMPTE labels count whole frames of a rate that is not whole; those that drop numbers keep to the clock.
    counted = base == "smpte" and attributes.get("dropMode", "nonDrop") == "nonDrop"
    return TtmlClock(rate, ticks, nominal / rate if counted else 1.0)


def _number(written: str | None, name: str) -> float | None:
    if written is None:
        return None
    if not re.fullmatch(r"\s*\d{1,12}(?:\.\d{1,9})?\s*", written) or float(written) <= 0:
        raise DataError(f"{name} should have rates above 0 in its first element. Found {written[:40]!r}. Mend it.")
    return float(written)
