"""The models of the toolkit, one file per paper.

``MODELS`` maps names to classes: those of the files of this folder, so that a new file is a new model, and those from
outside, see :mod:`crossspace.components`.
"""

from __future__ import annotations

from crossspace.components import Components, discover
from crossspace.models.base import Model
from crossspace.output import Output

MODELS: Components[Model] = Components(
    "model",
    Model,  # type: ignore[type-abstract]
    lambda: discover(__name__, __path__, Model),  # type: ignore[type-abstract]
)

__all__ = ["MODELS", "Model", "Output"]
