"""Fusion operators: from one representation per modality to one.

``FUSIONS`` maps names to classes: those of the files of this folder, so that a new file is a new operator, and those
from outside, see :mod:`crossspace.components`. A model that lets its users choose one annotates the argument as
``FusionSpec`` and builds it by ``FUSION.build(spec, width=..., modalities=...)``.
"""

from __future__ import annotations

from typing import Annotated

from crossspace.components import Components, discover
from crossspace.nn.fusion.base import Fusion
from crossspace.nn.fusion.placed import placed
from crossspace.parts import Part, PartSpec

FUSIONS: Components[Fusion] = Components(
    "fusion",
    Fusion,  # type: ignore[type-abstract]
    lambda: discover(__name__, __path__, Fusion),  # type: ignore[type-abstract]
)
FUSION = Part("fusion", FUSIONS, "polynomial", frozenset({"width", "modalities", "out_width"}), placed)
FusionSpec = Annotated[PartSpec, FUSION]

__all__ = ["FUSION", "FUSIONS", "Fusion", "FusionSpec"]
