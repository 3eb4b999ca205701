"""Colours of emotions, and colours and dashes of lines, each distinct without colour where it can be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossspace.evaluation.figures.style import BLUE, GREEN, INK, ORANGE, PURPLE, SKY, VERMILLION

_BLUE, _YELLOW, _RED, _PINK, _LIGHT, _AMBER, _TEAL, _GREY, _VIOLET = (
    "#0173b2", "#f0dc32", "#d55e01", "#cc78bc", "#56b4e9", "#e69f01", "#029e73", "#8b93a1", "#5b3f8c",
)  # fmt: skip
"""Fills after Okabe and Ito; the same on light and dark pages, so that a legend holds in both."""

_USUAL = {
    "neu": _GREY, "ang": _RED, "neg": _RED, "sad": _BLUE, "pos": _BLUE, "hap": _YELLOW, "joy": _YELLOW,
    "exc": _AMBER, "fru": _PINK, "sur": _LIGHT, "dis": _TEAL, "fea": _VIOLET,
}  # fmt: skip
_OTHERS = (_LIGHT, _AMBER, _TEAL, _YELLOW, _BLUE, _RED, _PINK, _GREY, _VIOLET, "#7a5230", "#2f4b4f", "#a3b75c")

_DASHES: tuple[Any, ...] = ("-", (0, (4, 1.4)), (0, (7, 1.4, 1.4, 1.4)), (0, (1.2, 1.3)), (0, (3, 1, 1, 1, 1, 1)))
_LINES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)


def emotion_colours(labels: Sequence[str]) -> dict[str, str]:
    """A colour for each label: the customary one where it is free (anger is red), else the next of a list.

    Beyond twelve labels colours repeat; figures always print the name beside the colour.
    """
    chosen: dict[str, str] = {}
    for label in labels:
        colour = _USUAL.get(label.strip().lower()[:3])
        if colour and colour not in chosen.values():
            chosen[label] = colour
    free = [colour for colour in _OTHERS if colour not in chosen.values()] or list(_OTHERS)
    for index, label in enumerate(label for label in labels if label not in chosen):
        chosen[label] = free[index % len(free)]
    return {label: chosen[label] for label in labels}


def line_styles(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Colour and dash for each line of a figure; a single line is ink and solid."""
    if len(names) == 1:
        return {names[0]: {"color": INK, "linestyle": "-"}}
    return {
        name: {"color": _LINES[i % len(_LINES)], "linestyle": _DASHES[i % len(_DASHES)]} for i, name in enumerate(names)
    }
