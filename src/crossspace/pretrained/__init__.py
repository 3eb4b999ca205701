"""The model in the box, used where no other is named."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where its weights, its configuration and its card lie."""
ENCODER = FOLDER / "encoder"
"""The fine-tuned encoder that makes its features."""
EVERYDAY = FOLDER / "everyday.csv"
"""Sixty conversations of ordinary life with labels, for a look beyond a corpus; ``everyday.md`` is their card."""
