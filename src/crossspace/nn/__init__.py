"""Layers over ragged rows: encoders of context, attention, fusion operators."""

from __future__ import annotations

from crossspace.nn.encoders.gru import GRUEncoder
from crossspace.nn.encoders.lstm import LSTMEncoder
from crossspace.nn.encoders.transformer import TransformerEncoder
from crossspace.nn.fusion.concatenation import Concatenation
from crossspace.nn.fusion.polynomial import SynergisticPolynomialFusion

__all__ = [
    "Concatenation",
    "GRUEncoder",
    "LSTMEncoder",
    "SynergisticPolynomialFusion",
    "TransformerEncoder",
]
