"""Objectives: what training reduces.

``OBJECTIVES`` maps names to classes: those of the files of this folder, and those from outside, see
:mod:`crossspace.components`. A model says which it is trained with.
"""

from __future__ import annotations

from crossspace.components import Components, discover
from crossspace.objectives.base import Objective

OBJECTIVES: Components[Objective] = Components(
    "objective",
    Objective,  # type: ignore[type-abstract]
    lambda: discover(__name__, __path__, Objective),  # type: ignore[type-abstract]
)

__all__ = ["OBJECTIVES", "Objective"]
