"""Fusion operators: from one representation per modality to one.

``FUSIONS`` maps names to classes: those of the files of this folder, so that a new file is a new operator, and those
from outside, see :mod:`crossspace.components`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from crossspace.components import Components, discover
from crossspace.nn.fusion.base import Fusion

FUSIONS: Components[Fusion] = Components(
    "fusion",
    Fusion,  # type: ignore[type-abstract]
    lambda: discover(__name__, __path__, Fusion),  # type: ignore[type-abstract]
    # Choices are read where a value is checked: an operator from outside becomes one of them when it comes.
    changed=lambda: setattr(FusionName, "__args__", tuple(FUSIONS)),
)

if TYPE_CHECKING:
    FusionName = str
else:
    # The names as a type, so that configurations are checked against them and help and docs list them.
    FusionName = Literal[tuple(FUSIONS)]

__all__ = ["FUSIONS", "Fusion", "FusionName"]
