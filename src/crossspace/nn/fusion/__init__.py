"""Fusion operators: from one representation per modality to one.

``FUSIONS`` maps names to classes; it is filled from the files of this folder, so that a new file is a new operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from crossspace.components import discover
from crossspace.nn.fusion.base import Fusion

FUSIONS: dict[str, type[Fusion]] = discover(__name__, __path__, Fusion)  # type: ignore[type-abstract]

if TYPE_CHECKING:
    FusionName = str
else:
    # The names as a type, so that configurations are checked against them and help and docs list them.
    FusionName = Literal[tuple(FUSIONS)]

__all__ = ["FUSIONS", "Fusion", "FusionName"]
