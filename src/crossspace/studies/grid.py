"""Variants of a study that stand on a grid of arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossspace.studies.study import SECTIONS


def checked_grid(grid: Mapping[str, Any], faults: list[str]) -> dict[str, list[Any]]:
    """The axes of a grid; where one is at fault, none."""
    strange = []
    for key, values in grid.items():
        section, dot, argument = str(key).partition(".")
        named = section in SECTIONS and bool(dot) and all(argument.split("."))
        if not named or not isinstance(values, list) or not values:
            strange.append(
                f"grid: {key!r} should be section.argument, of {', '.join(SECTIONS)}, with a list of values. "
                f"Found {values!r}."
            )
    faults += strange
    return {} if strange else dict(grid)


def at_point(point: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Name and content of the variant at a point of the grid."""
    last = [key.rpartition(".")[2] for key in point]
    short = {
        name if last.count(name) == 1 else key.partition(".")[2]: value
        for name, (key, value) in zip(last, point.items(), strict=True)
    }
    variant: dict[str, Any] = {"point": point, "about": ", ".join(f"{k} {v}" for k, v in short.items())}
    for key, value in point.items():
        section, _, argument = key.partition(".")
        variant.setdefault(section, {})[argument] = value
    return "-".join(f"{k}-{v}" for k, v in short.items()).replace("_", "-"), variant
