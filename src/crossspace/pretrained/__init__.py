"""The model in the box, used where no other is named; ``README.md`` beside it is its card."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
"""Holds ``config.json``, ``model.safetensors`` and the model card, as ``Predictor.from_pretrained`` reads them."""
