"""Numbers that components take, held against what can be computed with: refused where a component is built."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from crossspace.errors import UsageError

MOST = 10_000
"""Of layers, hops and the like, which are built or walked one by one: more would never end."""

_SMALLEST, _LARGEST = 2.0**-126, 2.0**128 * (1 - 2.0**-24)
"""Above 0, of normal numbers in float32."""


def check_counts(least: int = 1, most: int | None = MOST, **counts: int) -> None:
    """Raise :class:`UsageError` unless every one is a whole number from ``least`` to ``most``, if there is one.

    Args:
        least: the lowest.
        most: the highest; none for a width, whose memory is looked at elsewhere.
        **counts: by the name of the argument.
    """
    expected = f"at least {least:,}" if most is None else f"from {least:,} to {most:,}"
    _refuse(counts, expected, lambda x: least <= x and (most is None or x <= most))


def check_shares(**shares: float) -> None:
    """Raise :class:`UsageError` unless every one lies between 0 and 1, both of them possible."""
    _refuse(shares, "between 0 and 1", lambda x: 0 <= x <= 1)


def check_weights(**weights: float) -> None:
    """Raise :class:`UsageError` unless every one is a finite number of at least 0."""
    _refuse(weights, "a number of at least 0", lambda x: 0 <= x < math.inf)


def check_positive(**numbers: float) -> None:
    """Raise :class:`UsageError` unless every one is a finite number above 0."""
    _refuse(numbers, "a number above 0", lambda x: 0 < x < math.inf)


def check_numbers(arguments: Mapping[str, object]) -> None:
    """Raise :class:`UsageError` where an argument, or a number inside of one, is none that models can compute with.

    That is NaN and infinity, which no JSON holds either, and what float32 takes for infinity or for 0.
    """
    faults = []
    for name, x in _numbers(arguments):
        if isinstance(x, float) and not math.isfinite(x):
            faults.append(f"`{name}` should be finite. Found {x}.")
        elif x and not _SMALLEST <= abs(x) <= _LARGEST:
            faults.append(f"`{name}` should be 0 or, in size, from 1.2e-38 to 3.4e38, as float32 is. Found {x}.")
    if faults:
        raise UsageError("\n".join(faults))


def _refuse(numbers: Mapping[str, float], expected: str, fine: Callable[[float], bool]) -> None:
    faults = [f"`{name}` should be {expected}. Found {x}." for name, x in numbers.items() if not fine(x)]
    if faults:
        raise UsageError("\n".join(faults))


def _numbers(values: object, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number in nested values, with the dotted name of where it stands; a whole one may be larger than any."""
    if isinstance(values, (int, float)):
        yield name, values
    elif isinstance(values, Mapping):
        for key, value in values.items():
            yield from _numbers(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, (list, tuple)):
        for place, value in enumerate(values):
            yield from _numbers(value, f"{name}[{place}]")
