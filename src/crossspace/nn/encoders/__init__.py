"""Encoders of context: rows of one modality in, the same rows in view of their conversation out.

``ENCODERS`` maps names to classes: those of the files of this folder, so that a new file is a new encoder, and those
from outside, see :mod:`crossspace.components`. A model that lets its users choose one annotates the argument as
``EncoderSpec`` and builds it by ``ENCODER.build(spec, width=..., ...)``.
"""

from __future__ import annotations

from typing import Annotated

from crossspace.components import Components, discover
from crossspace.nn.encoders.base import Encoder
from crossspace.parts import Part, PartSpec

ENCODERS: Components[Encoder] = Components(
    "encoder",
    Encoder,  # type: ignore[type-abstract]
    lambda: discover(__name__, __path__, Encoder),  # type: ignore[type-abstract]
)
ENCODER = Part("encoder", ENCODERS, "transformer", frozenset({"width", "out_width", "heads", "dropout", "causal"}))
EncoderSpec = Annotated[PartSpec, ENCODER]

__all__ = ["ENCODER", "ENCODERS", "Encoder", "EncoderSpec"]
