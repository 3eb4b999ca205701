"""The models of the toolkit, one file per paper.

``MODELS`` maps names to classes; it is filled from the files of this folder, so that a new file is a new model.
"""

from __future__ import annotations

from crossspace.components import discover
from crossspace.models.base import Model
from crossspace.output import Output

MODELS: dict[str, type[Model]] = discover(__name__, __path__, Model)  # type: ignore[type-abstract]

__all__ = ["MODELS", "Model", "Output"]
