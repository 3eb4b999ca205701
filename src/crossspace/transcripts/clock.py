"""Times as people and programs write them."""

from __future__ import annotations

import re

from crossspace.data.conversation_json import LATEST

_CLOCK = re.compile(r"^(?:(?:(\d{1,4}):)?(\d{1,3}):)?(\d{1,11})(?:[.,](\d+))?$")


def seconds(written: str, per_second: int = 1) -> float | None:
    """Seconds of ``1:02:03.5``, ``02:03,500`` or ``3.5``; ``None`` where it is no time, or beyond 10,000 hours.

    Args:
        written: what stands in the file.
        per_second: 1000 where it counts milliseconds.
    """
    match = _CLOCK.match(written.strip())
    if match:
        hours, minutes, whole, part = match.groups()
        number = int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(f"{whole}.{part or 0}")
    else:
        try:
            number = float(written)
        except ValueError:
            return None
    # Also refuses NaN and infinity, which float() reads and no comparison lets through.
    return number / per_second if abs(number / per_second) <= LATEST else None
