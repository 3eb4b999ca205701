"""Times as people and programs write them."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from crossspace.data.conversation_json import LATEST
from crossspace.transcripts.units import MILLISECONDS, SECONDS, Unit

# Every digit run is bounded or stands alone between signs, so that no text is looked through twice.
_CLOCK = re.compile(r"^(?:(?:(\d{1,4}):)?(\d{1,3}):)?(\d{1,11})(?:[.,](\d+))?$")
_WITH_UNIT = re.compile(r"^(-?\d{1,20}(?:[.,]\d{1,20})?) ?(s|secs?|seconds?|ms|msecs?|milliseconds?)$", re.IGNORECASE)
_TIMECODE = re.compile(r"^(\d{1,3}):(\d{2}):(\d{2})[:;](\d{2})$")
_ISO = re.compile(r"^PT(?=\d)(?:(\d{1,6})H)?(?:(\d{1,8})M)?(?:(\d{1,11}(?:[.,]\d{1,12})?)S)?$")


FRAME_RATES = (25, 30, 50, 60, 100)
"""Frames a second of video, the usual ones; the last is that of hundredths."""


class Amount(NamedTuple):
    """A time as a number, and what it counts; no unit where neither notation nor name says.

    Attributes:
        number, unit: how many of what.
        frames: of a timecode ``hh:mm:ss:ff``, beyond its seconds.
    """

    number: float
    unit: Unit | None = None
    frames: int = 0

    def seconds(self, unit: Unit, frame_rate: float = FRAME_RATES[0]) -> float | None:
        """In seconds, where it counts ``unit`` unless it says otherwise; ``None`` beyond 10,000 hours."""
        per_second = (self.unit or unit).per_second
        if per_second is None:
            return None
        number = self.number / per_second + self.frames / frame_rate
        return number if abs(number) <= LATEST else None


def seconds(written: str, per_second: int = 1) -> float | None:
    """Seconds of ``1:02:03.5``, ``02:03,500`` or ``3.5``; ``None`` where it is no time, or beyond 10,000 hours.

    Args:
        written: what stands in the file.
        per_second: 1000 where a number without colons counts milliseconds.
    """
    amount = amount_of(written)
    return amount.seconds(Unit("", per_second)) if amount else None


def amount_of(value: Any) -> Amount | None:
    """The time that a cell or a value of JSON writes; ``None`` where it is none.

    Numbers, ``02:03,5``, ``1.3s``, ``500 ms``, ``PT1M3.5S`` and ``{"seconds": 1, "nanos": 300000000}``.
    """
    if isinstance(value, dict):
        return _of_parts(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    amount = _of_text(value.strip()) if isinstance(value, str) else _of_number(value)
    # Also refuses NaN and infinity, which float() reads.
    return amount if amount and math.isfinite(amount.number) else None


def _of_number(value: float) -> Amount | None:
    try:
        return Amount(float(value))
    except OverflowError:
        return None


def _of_text(text: str) -> Amount | None:
    if match := _CLOCK.match(text):
        hours, minutes, whole, part = match.groups()
        number = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(f"{whole}.{part or 0}")
        # Colons are those of a clock; a bare number may count anything.
        return Amount(number, SECONDS if minutes else None)
    if match := _TIMECODE.match(text):
        hour, minute, second, frames = map(int, match.groups())
        return Amount(hour * 3600 + minute * 60 + second, SECONDS, frames)
    if match := _WITH_UNIT.match(text):
        return Amount(
            float(match.group(1).replace(",", ".")), MILLISECONDS if match.group(2).lower().startswith("m") else SECONDS
        )
    if match := _ISO.match(text):
        hours, minutes, rest = match.groups()
        number = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float((rest or "0").replace(",", "."))
        return Amount(number, SECONDS)
    try:
        return Amount(float(text))
    except ValueError:
        return None


def _of_parts(value: dict[str, Any]) -> Amount | None:
    """Seconds, as text from some programs, and nanoseconds; either is left out where it is zero."""
    if not value or not set(value) <= {"seconds", "nanos"}:
        return None
    whole, nanos = (amount_of(value.get(key, 0)) for key in ("seconds", "nanos"))
    return Amount(whole.number + nanos.number / 1e9, SECONDS) if whole and nanos else None


def written(seconds: float) -> str:
    """``0:00:05.790``, as captions write it. Rounded once, as a whole: rounding seconds alone could give 60 of them."""
    minutes, rest = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"
