"""The recognisers of speech, one file each, found by looking."""

from __future__ import annotations

from crossspace.components import Components, discover
from crossspace.components.spelled import built
from crossspace.features.speech.recognisers.base import Doubt, Heard, HeardWord, Recogniser

__all__ = ["RECOGNISERS", "Doubt", "Heard", "HeardWord", "Recogniser", "recogniser"]

RECOGNISERS: Components[Recogniser] = Components(
    "recogniser",
    Recogniser,  # type: ignore[type-abstract]
    lambda: discover(__name__, __path__, Recogniser),  # type: ignore[type-abstract]
)


def recogniser(wanted: str) -> Recogniser:
    """The recogniser that ``NAME``, ``NAME:VALUE`` or ``NAME:VALUE,key=value`` asks for.

    Raises:
        UsageError: there is none of this name, or it takes no such argument, or one is not given.
        MissingExtraError: a library that it needs is not installed.
        DataError: its model cannot be loaded.
    """
    return built(RECOGNISERS, wanted)
