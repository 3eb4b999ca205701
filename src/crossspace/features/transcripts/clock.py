"""Times as people and programs write them."""

from __future__ import annotations

import math
import re

_CLOCK = re.compile(r"^(?:(?:(\d+):)?(\d{1,3}):)?(\d+)(?:[.,](\d+))?$")


def seconds(written: str) -> float | None:
    """Seconds of ``1:02:03.5``, ``02:03,500`` or ``3.5``; ``None`` where it is no time."""
    match = _CLOCK.match(written.strip())
    if match:
        hours, minutes, whole, part = match.groups()
        return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(f"{whole}.{part or 0}")
    try:
        number = float(written)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
