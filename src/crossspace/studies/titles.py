"""What a variant is called in front of readers: a few words instead of the name of its folder."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from crossspace.evaluation.captions import spelled
from crossspace.studies.study import Variant

_WHOLE = ("full", "whole", "complete")
_LONGEST = 44
"""A description of more letters is a sentence and no title."""


def titles(variants: Sequence[Variant]) -> dict[str, str]:
    """``{name: title}``; where two titles would be the same, both variants keep their names."""
    proposed = {variant.name: _title(variant) for variant in variants}
    count = Counter(proposed.values())
    # Two variants of one title could not be told apart; their names can.
    return {name: title if count[title] == 1 else name for name, title in proposed.items()}


def _title(variant: Variant) -> str:
    """``CSS without SPF`` for ``without-spf``.

    Words are spelled as the description spells them, or as the field does. A point of a grid, and a name of single
    letters such as ``T+A``, says less than its description, which then is the title.
    """
    name, about = variant.name, variant.about.strip()
    # T+A has pieces of one letter: a name that only its author can read.
    letters = [piece for piece in re.split(r"[^A-Za-z]+", name) if piece]
    if about and len(about) <= _LONGEST and (variant.point or all(len(piece) == 1 for piece in letters)):
        return about[0].upper() + about[1:]
    model = spelled(str(variant.configuration.model["name"]))
    if name in _WHOLE:
        return f"{name.capitalize()} {model}"
    words = spelled(name, about)
    if name.startswith(("without-", "with-")):
        return f"{model} {words}"
    first = words.split()[0]
    return first.capitalize() + words[len(first) :] if first.islower() else words
