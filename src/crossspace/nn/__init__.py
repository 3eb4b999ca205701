"""Layers over ragged rows: encoders, gated attention, fusion operators."""

from __future__ import annotations

from crossspace.nn.fusion.concatenation import Concatenation
from crossspace.nn.fusion.polynomial import SynergisticPolynomialFusion
from crossspace.nn.interaction import InteractionEncoder
from crossspace.nn.recurrent import RecurrentEncoder
from crossspace.nn.transformer import TransformerEncoder

__all__ = [
    "Concatenation",
    "InteractionEncoder",
    "RecurrentEncoder",
    "SynergisticPolynomialFusion",
    "TransformerEncoder",
]
