"""What the times of a file count: stated by a name, else judged from all that the file says."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median


@dataclass(frozen=True)
class Unit:
    """What times count.

    Attributes:
        name: in the plural.
        per_second: how many make a second; ``None`` where that is not known.
    """

    name: str
    per_second: float | None


SECONDS = Unit("seconds", 1)
MILLISECONDS = Unit("milliseconds", 1e3)
MICROSECONDS = Unit("microseconds", 1e6)
TICKS = Unit("ticks of 100 ns", 1e7)
MINUTES = Unit("minutes", 1 / 60)
FRAMES = Unit("frames", None)

_WORDS = {
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "sekunden", "secondes", "segundos", "secondi"), SECONDS),
    **dict.fromkeys(("ms", "msec", "msecs", "millis", "milli", "millisecond", "milliseconds"), MILLISECONDS),
    **dict.fromkeys(("us", "usec", "microseconds"), MICROSECONDS),
    **dict.fromkeys(("ticks", "tick"), TICKS),
    **dict.fromkeys(("mins", "minutes", "minuten"), MINUTES),
    **dict.fromkeys(("frame", "frames"), FRAMES),
}
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+")
_LONGEST = 200
"""Characters of a name that are looked at."""
_GLUED = re.compile(r"(?<=[a-z])(?:ms|msec|sec|seconds)$")


def unit_of(name: str) -> tuple[str, Unit | None]:
    """A name of a column without its unit, and that unit: ``start_ms``, ``tStartMs``, ``Begin Time - ss.msec``.

    ``hh:mm:ss.ms`` says how a clock is written and no unit.
    """
    parts = [part.lower() for part in _PART.findall(name[:_LONGEST])]
    if {"hh", "mm", "ss"} <= set(parts):
        return " ".join(part for part in parts if part not in {"hh", "mm", "ss", "ms", "msec", "ff"}), None
    if "ss" in parts:
        return " ".join(part for part in parts if part not in {"ss", "ms", "msec"}), SECONDS
    if len(parts) > 1 and parts[-1] in _WORDS:
        rest = parts[:-2] if parts[-2] == "in" and len(parts) > 2 else parts[:-1]
        return " ".join(rest), _WORDS[parts[-1]]
    if parts and (glued := _GLUED.search(parts[-1])):
        return " ".join([*parts[:-1], parts[-1][: glued.start()]]), _WORDS[glued.group()]
    return name, None


@dataclass(frozen=True)
class Spoken:
    """What an utterance says of the unit of its times.

    Attributes:
        start, end: as the file counts them.
        words: how many are said; 0 where the text is not known.
    """

    start: float
    end: float | None
    words: float


_FIRST_DATE, _LAST_DATE = 9e8, 4.1e9
"""Seconds since 1970: of 1998 and of 2099."""


def are_dates(spoken: Sequence[Spoken]) -> bool:
    """Whether times are moments of the calendar, in seconds or milliseconds since 1970, and none of a recording."""
    starts = [one.start for one in spoken]
    if not starts or any(one.end is not None for one in spoken):
        return False
    return any(min(starts) / per >= _FIRST_DATE and max(starts) / per <= _LAST_DATE for per in (1, 1e3))


_USUAL, _FASTEST = 2.5, 12.0
"""Words a second. Short exclamations are said fast."""
_SLOWEST, _SPARSEST = 0.05, 0.003
"""Words a second of utterances, pauses included, and of times between the starts of utterances, in which nobody may
speak for long."""
_FEW = 7
"""Words of an utterance, where a file has none."""


def judged(spoken: Sequence[Spoken], duration: float | None = None) -> tuple[Unit, str]:
    """The unit of times that do not state one, and a sentence on how it was decided.

    The sentence is empty for times with fractions at the rate of speech of seconds, which is what all expect.
    Nobody says 0.02 or 200 words a second: units are so far apart that only one fits, nearly always.

    Args:
        spoken: the utterances with times.
        duration: seconds of the recording, where that is known: nothing ends long after it.
    """
    known = [one for one in spoken if one.start >= 0 and (one.end is None or one.end >= one.start)]
    rate, slowest = _rate(known)
    if rate is None:
        return SECONDS, ""
    whole = all(float(time).is_integer() for one in known for time in (one.start, one.end) if time is not None)
    last = max(one.end if one.end is not None else one.start for one in known)
    units = [SECONDS, MILLISECONDS, *((MICROSECONDS, TICKS) if whole else ())]
    fitting = [unit for unit in units if duration is None or last / _per(unit) <= duration * 1.1 + 2] or units

    def unlikely(unit: Unit) -> tuple[float, float]:
        value = rate * _per(unit)
        outside = max(math.log(slowest / value), math.log(value / _FASTEST), 0.0)
        # A fraction is the mark of seconds; only where they cannot be is anything else looked at.
        return outside, 0.0 if unit is SECONDS and not whole else abs(math.log(value / _USUAL))

    unit = min(fitting, key=unlikely)
    if unit is SECONDS and not whole:
        return unit, ""
    kind = "whole numbers" if whole else "numbers"
    other = f", as seconds {rate:.2g}" if unit is not SECONDS else ""
    said = any(one.words for one in known)
    words = f" ({rate * _per(unit):.2g} words a second{other})" if said else ""
    doubt = " Check that: nothing fits well." if unlikely(unit)[0] > 0 else ""
    return unit, f"Times are {kind} without a unit; read as {unit.name}{words}.{doubt}"


def _per(unit: Unit) -> float:
    return unit.per_second or 1.0


def _rate(spoken: Sequence[Spoken]) -> tuple[float | None, float]:
    """Words per unit of time, in the middle of all utterances, and the slowest that is likely; none where no time
    passes."""
    unknown = not any(one.words for one in spoken)
    lengths = [(one.end - one.start, one.words) for one in spoken if one.end is not None]
    slowest = _SLOWEST
    if not any(length > 0 for length, _ in lengths):
        ordered = sorted(spoken, key=lambda one: one.start)
        lengths = [(b.start - a.start, a.words) for a, b in pairwise(ordered)]
        slowest = _SPARSEST
    rates = [(_FEW if unknown else words) / length for length, words in lengths if length > 0 and (unknown or words)]
    return (median(rates), slowest) if rates else (None, slowest)
